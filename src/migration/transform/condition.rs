//! Conditions of transforms: `PATH exists`, `PATH missing`, `PATH == VALUE` or `PATH != VALUE`.

use serde_json::Value;

use crate::fhir::Path;

/// What must be so of a record.
#[derive(Debug, Clone)]
pub struct Condition {
    path: Path,
    holds: Holds,
}

#[derive(Debug, Clone)]
enum Holds {
    Exists(bool),
    /// The value is this, or (if false) is not.
    Is(bool, Value),
}

impl Condition {
    /// Whether it is so.
    pub fn holds(&self, record: &str) -> bool {
        let values = self.path.values(record);
        match &self.holds {
            Holds::Exists(exists) => values.is_empty() != *exists,
            Holds::Is(is, value) => {
                let same = |found: &&str| serde_json::from_str::<Value>(found).is_ok_and(|found| found == *value);
                values.iter().any(same) == *is
            }
        }
    }
}

impl std::str::FromStr for Condition {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let path = |text: &str| text.trim().parse::<Path>().map_err(|_| ());
        for (word, exists) in [(" exists", true), (" missing", false)] {
            if let Some(before) = text.trim_end().strip_suffix(word) {
                let (path, holds) = (path(before)?, Holds::Exists(exists));
                return Ok(Condition { path, holds });
            }
        }
        for (sign, is) in [(" == ", true), (" != ", false)] {
            if let Some((before, value)) = text.split_once(sign) {
                let value = value.trim();
                let quoted = value.strip_prefix('\'').and_then(|value| value.strip_suffix('\''));
                let value = match quoted {
                    Some(text) => Value::from(text),
                    None => serde_json::from_str(value).map_err(|_| ())?,
                };
                let (path, holds) = (path(before)?, Holds::Is(is, value));
                return Ok(Condition { path, holds });
            }
        }
        Err(())
    }
}
