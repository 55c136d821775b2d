//! What is being written at this moment, to notice a client that writes the same thing twice at once.
//!
//! On a real server two conditional writes with the same condition at the same time both find nothing and both create a record,
//! and two creations of the same id end in an error of the database. This server takes one after the other, but counts them.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What is in flight, by name, and how many collisions there were.
#[derive(Debug, Default)]
pub(super) struct InFlight(Mutex<(BTreeMap<String, u64>, u64)>);

/// The names of one request, until it is answered.
#[derive(Debug)]
pub(super) struct Flight<'a> {
    all: &'a InFlight,
    names: Vec<String>,
}

impl InFlight {
    /// Notes what a request is about to write.
    pub(super) fn begin(&self, names: Vec<String>) -> Flight<'_> {
        let mut state = self.lock();
        for name in &names {
            let (flying, collisions) = &mut *state;
            let count = flying.entry(name.clone()).or_default();
            *collisions += u64::from(*count > 0);
            *count += 1;
        }
        drop(state);
        Flight { all: self, names }
    }

    /// How often something was to be written that was being written already.
    pub(super) fn collisions(&self) -> u64 {
        self.lock().1
    }

    fn lock(&self) -> MutexGuard<'_, (BTreeMap<String, u64>, u64)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        let (flying, _) = &mut *self.all.lock();
        for name in &self.names {
            if let Some(count) = flying.get_mut(name) {
                *count -= 1;
                if *count == 0 {
                    flying.remove(name);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_name_at_once_is_a_collision_and_later_is_none() {
        let all = InFlight::default();
        let first = all.begin(vec!["Patient/a".into(), "Patient/b".into()]);
        let second = all.begin(vec!["Patient/b".into()]);
        assert_eq!(all.collisions(), 1);
        drop((first, second));
        let _third = all.begin(vec!["Patient/b".into()]);
        assert_eq!(all.collisions(), 1);
    }
}
