//! Merging a list item by item.

use super::{Merger, NOT_CONTAINED};
use crate::fhir::edited;
use crate::fhir::field::{Item, META, Print};
use crate::fhir::merge_error::MergeError;
use crate::fhir::pairing::{Pair, Row};
use crate::fhir::pick::Pick;
use crate::fhir::splice::{Array, Part};

/// A list while it is merged.
struct List<'r, 'a> {
    left: &'r [Item<'a>],
    right: &'r [Item<'a>],
    /// What becomes of the right list's items: what it says then and, if it is not as before, how it is written.
    stays: Vec<Option<(Print, Option<String>)>>,
    added: Vec<(Print, String)>,
    changed: bool,
}

impl<'r, 'a> Merger<'r, 'a> {
    pub(super) fn items(&mut self, pair: &Pair<'r, 'a>, rows: &[Row]) -> Result<(), MergeError> {
        let items = |field: Option<&'r crate::fhir::field::Field<'a>>| field.and_then(|field| field.items.as_deref());
        let (left, right) = (
            items(pair.left).unwrap_or_default(),
            items(pair.right).unwrap_or_default(),
        );
        let mut list = List {
            left,
            right,
            stays: right.iter().map(|item| Some((item.print, None))).collect(),
            added: Vec::new(),
            changed: false,
        };
        for row in rows.iter().filter(|row| !row.same) {
            self.item(pair, row, &mut list)?;
        }
        if !list.changed {
            return Ok(());
        }
        if pair.path == CONTAINED {
            let gone = list.stays.iter().zip(right).filter(|(stays, _)| stays.is_none());
            self.contained.extend(gone.map(|(_, item)| item.place));
            return Ok(());
        }
        self.write(pair, &list)
    }

    fn item(&mut self, pair: &Pair<'r, 'a>, row: &Row, list: &mut List<'r, 'a>) -> Result<(), MergeError> {
        let contained = pair.path == CONTAINED;
        let (left, right) = (row.left.map(|at| &list.left[at]), row.right.map(|at| &list.right[at]));
        let pick = match (self.picks.get(&row.path), left) {
            (None | Some(Pick::Right), _) | (Some(Pick::Both), None) => {
                self.took(&pair.path, |taken| taken.right = true);
                return Ok(());
            }
            (Some(pick), _) => pick,
        };
        match pick {
            Pick::Right => {}
            Pick::Edited(_) if contained => {
                return Err(MergeError::edited(
                    &row.path,
                    "a contained resource is edited in its own EHR",
                ));
            }
            Pick::Edited(json) => {
                let sides: Vec<&str> = [left, right].into_iter().flatten().map(|item| item.text).collect();
                let edit = edited::item(&row.path, name(&pair.path), json, &sides)?;
                let edit = self.luggage.carry_edited(&edit)?;
                let edit = edit.ok_or_else(|| MergeError::edited(&row.path, NOT_CONTAINED))?;
                let print = self.right.contained.print(json)?;
                if list.has(print) {
                    return Ok(());
                }
                self.took(&pair.path, |taken| taken.mixed = true);
                match row.right {
                    Some(at) => list.replace(at, Some((print, edit))),
                    None => list.add(print, edit),
                }
            }
            Pick::Left => {
                if left.is_none() && right.is_some_and(|item| self.is_edit(item)) {
                    return Ok(());
                }
                self.took(&pair.path, |taken| taken.left = true);
                match (left, row.right) {
                    (Some(item), to) if contained => {
                        self.luggage.carry_orphan(item.text)?;
                        list.changed = true;
                        if let Some(at) = to {
                            list.replace(at, None);
                        }
                    }
                    (Some(item), Some(at)) => {
                        let text = self.luggage.carry(item.text)?;
                        list.replace(at, Some((item.print, text)));
                    }
                    (Some(item), None) => self.add_copies(item, list)?,
                    (None, Some(at)) => list.replace(at, None),
                    (None, None) => {}
                }
            }
            Pick::Both => {
                let mixed = right.is_some();
                self.took(
                    &pair.path,
                    |taken| if mixed { taken.mixed = true } else { taken.left = true },
                );
                match left {
                    Some(item) if contained => {
                        self.luggage.carry_orphan(item.text)?;
                        list.changed = true;
                    }
                    Some(item) => self.add_copies(item, list)?,
                    None => {}
                }
            }
        }
        Ok(())
    }

    /// Whether an item is what a person typed at another path of the same list, which no pick takes away again.
    fn is_edit(&self, item: &Item<'_>) -> bool {
        self.settled.iter().any(|settled| settled.print == item.print)
    }

    /// Adds an item of the left list, as often as it is there.
    fn add_copies(&mut self, item: &Item<'a>, list: &mut List<'r, 'a>) -> Result<(), MergeError> {
        if list.has(item.print) {
            return Ok(());
        }
        for copy in list.left.iter().filter(|copy| copy.print == item.print) {
            let text = self.luggage.carry(copy.text)?;
            list.add(copy.print, text);
        }
        Ok(())
    }

    fn write(&mut self, pair: &Pair<'r, 'a>, list: &List<'r, 'a>) -> Result<(), MergeError> {
        let object = self.right.object_of(&pair.path);
        let field = pair.right.filter(|field| field.items.is_some());
        let there = field.and_then(|field| field.members.first().copied());
        let array = Array::read(there.map_or("[]", |place| object.members[place].value))?;
        let mut parts = vec![Part::Keep; array.items().count()];
        for (item, stays) in list.right.iter().zip(&list.stays) {
            match stays {
                None => parts[item.place] = Part::Remove,
                Some((_, Some(text))) => parts[item.place] = Part::Replace(text.clone()),
                Some((_, None)) => {}
            }
        }
        let added: Vec<String> = list.added.iter().map(|(_, text)| text.clone()).collect();
        // Tags of this program are none of the items.
        let own_tags = parts.len() > list.right.len();
        let written = match self.in_left_order(list)? {
            Some(items) if !own_tags => format!("[{}]", items.join(",")),
            _ => array.with(&parts, &added),
        };
        let empty = Array::read(&written)?.items().next().is_none();
        let members = match there {
            _ if empty => Vec::new(),
            Some(place) => vec![object.member_with(place, &written)],
            None => vec![format!("\"{}\":{written}", name(&pair.path))],
        };
        self.set(&pair.path, pair.right, members);
        Ok(())
    }

    /// The items in the left list's order, where the merged list has exactly those but in another order.
    fn in_left_order(&mut self, list: &List<'r, 'a>) -> Result<Option<Vec<String>>, MergeError> {
        let merged = list.merged();
        let has = |print: &Print| merged.iter().any(|(other, _)| other == print);
        let wanted = |print: &Print| list.left.iter().any(|item| item.print == *print);
        if !merged.iter().all(|(print, _)| wanted(print)) || !list.left.iter().all(|item| has(&item.print)) {
            return Ok(None);
        }
        if merged
            .iter()
            .map(|(print, _)| *print)
            .eq(list.left.iter().map(|item| item.print))
        {
            return Ok(None);
        }
        let mut items = Vec::new();
        for item in list.left {
            let there = merged.iter().find(|(print, _)| *print == item.print);
            items.push(match there {
                Some((_, text)) => (*text).to_owned(),
                None => self.luggage.carry(item.text)?,
            });
        }
        Ok(Some(items))
    }
}

impl List<'_, '_> {
    /// What the merged list says, with how it is written.
    fn merged(&self) -> Vec<(Print, &str)> {
        let stay = self.stays.iter().zip(self.right).filter_map(|(stays, item)| {
            let (print, text) = stays.as_ref()?;
            Some((*print, text.as_deref().unwrap_or(item.text)))
        });
        let added = self.added.iter().map(|(print, text)| (*print, text.as_str()));
        stay.chain(added).collect()
    }

    fn has(&self, print: Print) -> bool {
        self.merged().iter().any(|(other, _)| *other == print)
    }

    fn add(&mut self, print: Print, text: String) {
        self.added.push((print, text));
        self.changed = true;
    }

    /// Puts `with` in the place of a right item; its copies go.
    fn replace(&mut self, at: usize, with: Option<(Print, String)>) {
        let print = self.right[at].print;
        for (item, stays) in self.right.iter().zip(&mut self.stays) {
            if item.print == print {
                *stays = None;
            }
        }
        self.stays[at] = with.map(|(print, text)| (print, Some(text)));
        self.changed = true;
    }
}

const CONTAINED: &str = "contained";

/// The name of the member in its object.
fn name(path: &str) -> &str {
    path.strip_prefix(META).unwrap_or(path)
}
