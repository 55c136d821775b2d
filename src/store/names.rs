//! Small numbers for tenants and resource types, so that index keys stay short.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use super::ledger::LedgerError;
use super::table::Table;

/// The name table: loaded once, added to as new names appear.
pub struct Names {
    table: Table<u16>,
    known: RwLock<Known>,
}

#[derive(Default)]
struct Known {
    tenants: HashMap<String, u16>,
    types: HashMap<String, u16>,
}

#[derive(Clone, Copy)]
enum Sort {
    Tenant,
    Type,
}

impl Sort {
    fn prefix(self) -> &'static str {
        match self {
            Self::Tenant => "tenant/",
            Self::Type => "type/",
        }
    }

    fn of(self, known: &mut Known) -> &mut HashMap<String, u16> {
        match self {
            Self::Tenant => &mut known.tenants,
            Self::Type => &mut known.types,
        }
    }
}

impl Names {
    /// Loads the names known so far.
    pub fn open(table: Table<u16>) -> Result<Self, LedgerError> {
        let mut known = Known::default();
        for item in table.iter() {
            let (key, number) = item?;
            let Ok(name) = String::from_utf8(key) else { continue };
            for sort in [Sort::Tenant, Sort::Type] {
                if let Some(name) = name.strip_prefix(sort.prefix()) {
                    sort.of(&mut known).insert(name.to_owned(), number);
                }
            }
        }
        Ok(Self {
            table,
            known: RwLock::new(known),
        })
    }

    /// The number of a tenant, made if need be.
    pub fn tenant(&self, tenant: &str) -> Result<u16, LedgerError> {
        let known = self
            .known
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .tenants
            .get(tenant)
            .copied();
        known.map_or_else(|| self.add(Sort::Tenant, tenant), Ok)
    }

    /// The number of a resource type, made if need be.
    pub fn resource_type(&self, resource_type: &str) -> Result<u16, LedgerError> {
        let known = self
            .known
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .types
            .get(resource_type)
            .copied();
        known.map_or_else(|| self.add(Sort::Type, resource_type), Ok)
    }

    /// All known resource types with their numbers, by name.
    pub fn resource_types(&self) -> Vec<(String, u16)> {
        sorted(&self.known.read().unwrap_or_else(PoisonError::into_inner).types)
    }

    /// All known tenants with their numbers, by name.
    pub fn tenants(&self) -> Vec<(String, u16)> {
        sorted(&self.known.read().unwrap_or_else(PoisonError::into_inner).tenants)
    }

    fn add(&self, sort: Sort, name: &str) -> Result<u16, LedgerError> {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = sort.of(&mut known).get(name) {
            return Ok(*number);
        }
        let highest = known.tenants.values().chain(known.types.values()).max();
        let number = highest.map_or(1, |highest| highest + 1);
        self.table.put(format!("{}{name}", sort.prefix()).as_bytes(), &number)?;
        sort.of(&mut known).insert(name.to_owned(), number);
        Ok(number)
    }
}

fn sorted(names: &HashMap<String, u16>) -> Vec<(String, u16)> {
    let mut all: Vec<_> = names.iter().map(|(name, number)| (name.clone(), *number)).collect();
    all.sort_unstable();
    all
}
