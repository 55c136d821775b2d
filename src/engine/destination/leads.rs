//! Where a record's references lead at the server.
//!
//! One that leads to nothing that we put there must not stay as it is: under the same type and id the server may have somebody else.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use super::super::error::EngineError;
use super::outgoing::{Maker, SOURCE_ID};
use crate::fhir::{self, Kind};
use crate::migration::{Delivered, Strategy};
use crate::target::remote::Found;

/// What a reference leads to at the server.
enum Leads {
    /// To one that is there.
    To(String),
    /// To one that will be there under this id, where nobody else can be.
    Coming(String),
    /// To one that will be there, or is to be.
    Later,
    /// To nothing that the store has now, or of a type that is not written to the server.
    Away,
}

/// A record with its references led where they lead at the server.
pub struct Led {
    pub line: Vec<u8>,
    /// Every reference leads to where it will always lead.
    pub complete: bool,
}

impl Maker<'_> {
    /// Leads a record's references; nothing where it has to wait for a record that it refers to. References to what is not there say who is
    /// meant, in place of where. Those that the server's own version has lead where they lead there.
    pub(super) fn led(
        &self,
        line: Vec<u8>,
        base: Option<&str>,
        own: Option<&Found>,
    ) -> Result<Option<Led>, EngineError> {
        let theirs: BTreeSet<(String, String)> = own.map(references).unwrap_or_default();
        let (coming, later, away) = (Cell::new(false), Cell::new(false), Cell::new(false));
        let failed = RefCell::new(None);
        let target = |name: &str, id: &str| {
            let leads = self.leads(name, id).unwrap_or_else(|error| {
                failed.replace(Some(error));
                Leads::Away
            });
            match leads {
                Leads::To(place) => return Some(place),
                Leads::Coming(place) => {
                    coming.set(true);
                    return Some(place);
                }
                _ if theirs.contains(&(name.to_owned(), id.to_owned())) => return Some(format!("{name}/{id}")),
                Leads::Later => later.set(true),
                Leads::Away => away.set(true),
            }
            None
        };
        let to_place = |name: &str, id: &str| if id.starts_with('?') { None } else { target(name, id) };
        let mut led = fhir::rewrite(&line, base, to_place);
        if later.get() && !self.settle_for_less {
            return failed.into_inner().map_or(Ok(None), Err);
        }
        // An address in a text or of an attachment cannot say who is meant, but it can say where it led.
        let anywhere = |name: &str, id: &str| match to_place(name, id) {
            None if !id.starts_with('?') => Some(format!("{}/{name}/{id}", self.plan.base_url.trim_end_matches('/'))),
            place => place,
        };
        if later.get() || away.get() {
            let less = fhir::by_identifier(&line, base, |name, id| {
                let address = to_place(name, id);
                address.is_none().then(|| (SOURCE_ID.to_owned(), self.token(name, id)))
            });
            led = match less {
                Some(less) => Some(fhir::rewrite(&less, base, anywhere).unwrap_or(less)),
                None => fhir::rewrite(&line, base, anywhere).or(led),
            };
        }
        if let Some(error) = failed.into_inner() {
            return Err(error);
        }
        Ok(Some(Led {
            line: led.unwrap_or(line),
            complete: !coming.get() && !later.get() && !away.get(),
        }))
    }

    /// Whether nobody else's record of a type can be at the server.
    pub(super) fn is_ours(&self, resource_type: &str) -> bool {
        self.empty.contains(resource_type) || self.link.destination.begun.contains(resource_type)
    }

    fn leads(&self, resource_type: &str, id: &str) -> Result<Leads, EngineError> {
        let key = self.storage.key(self.tenant, resource_type, id)?;
        let known = self.known(&key)?;
        if let Some(known) = known.as_ref().filter(|known| known.is_there()) {
            return Ok(Leads::To(format!("{resource_type}/{}", known.id)));
        }
        let Some(entry) = self.storage.index.get(&key)?.filter(|entry| !entry.deleted) else {
            return Ok(Leads::Away);
        };
        if known.as_ref().is_some_and(Delivered::inside) {
            return Ok(Leads::Away);
        }
        if entry.local || self.own_version(&key)?.is_some() {
            return Ok(Leads::To(format!("{resource_type}/{id}")));
        }
        Ok(match self.link.strategy(resource_type) {
            // The server would not take it, or has another one in its place, whatever somebody decided of that one.
            Ok(_) if known.is_some() => Leads::Later,
            Ok(Strategy::ClientId) if self.together.as_ref().is_some_and(|keys| !keys.contains(&key)) => Leads::Away,
            // A server that looks whether they lead somewhere has been asked before it comes to this.
            Ok(Strategy::ClientId) if !self.settle_for_less && self.is_ours(resource_type) => {
                Leads::Coming(format!("{resource_type}/{}", self.assigned(resource_type, id)))
            }
            Ok(_) => Leads::Later,
            Err(_) => Leads::Away,
        })
    }
}

/// The records that a record of the server's refers to, by type and id.
fn references(own: &Found) -> BTreeSet<(String, String)> {
    let local = |text: &str| match fhir::classify(text, None) {
        Kind::Local { resource_type, id, .. } => Some((resource_type.to_owned(), id.to_owned())),
        _ => None,
    };
    let found = fhir::references(&own.record);
    found.filter_map(|reference| local(&reference.text)).collect()
}
