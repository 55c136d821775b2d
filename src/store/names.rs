//! Small numbers for tenants and resource types, so that index keys stay short.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use super::ledger::LedgerError;
use super::table::Table;

/// The name table: loaded once, added to as new names appear.
pub struct Names {
    table: Table<u16>,
    known: RwLock<HashMap<String, u16>>,
}

impl Names {
    /// Loads the names known so far.
    pub fn open(table: Table<u16>) -> Result<Self, LedgerError> {
        let mut known = HashMap::new();
        for item in table.iter() {
            let (key, number) = item?;
            if let Ok(name) = String::from_utf8(key) {
                known.insert(name, number);
            }
        }
        Ok(Self {
            table,
            known: RwLock::new(known),
        })
    }

    /// The number of a tenant, made if need be.
    pub fn tenant(&self, tenant: &str) -> Result<u16, LedgerError> {
        self.number(&format!("tenant/{tenant}"))
    }

    /// The number of a resource type, made if need be.
    pub fn resource_type(&self, resource_type: &str) -> Result<u16, LedgerError> {
        self.number(&format!("type/{resource_type}"))
    }

    /// All known resource types with their numbers, by name.
    pub fn resource_types(&self) -> Vec<(String, u16)> {
        self.with_prefix("type/")
    }

    /// All known tenants with their numbers, by name.
    pub fn tenants(&self) -> Vec<(String, u16)> {
        self.with_prefix("tenant/")
    }

    fn with_prefix(&self, prefix: &str) -> Vec<(String, u16)> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let mut found: Vec<_> = known
            .iter()
            .filter_map(|(name, number)| Some((name.strip_prefix(prefix)?.to_owned(), *number)))
            .collect();
        found.sort_unstable();
        found
    }

    fn number(&self, name: &str) -> Result<u16, LedgerError> {
        if let Some(number) = self.known.read().unwrap_or_else(PoisonError::into_inner).get(name) {
            return Ok(*number);
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = known.get(name) {
            return Ok(*number);
        }
        let number = known.values().max().map_or(1, |highest| highest + 1);
        self.table.put(name.as_bytes(), &number)?;
        known.insert(name.to_owned(), number);
        Ok(number)
    }
}
