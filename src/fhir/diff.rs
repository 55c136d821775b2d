//! What two records of one type say differently, field by field.

use std::fmt;

use super::canonical::CanonicalError;
use super::field::{Field, Record};
use super::pairing::{Rows, pairs};
use super::reject::Reject;
use super::scan::scan;

/// Who has a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// The left record only.
    OnlyLeft,
    /// The right record only.
    OnlyRight,
    /// Both, and they say different things.
    Differs,
    /// Both have the same items in another order.
    Order,
}

/// A field in which two records differ.
#[derive(Clone, PartialEq, Eq)]
pub struct FieldDifference {
    /// What the field is called: `birthDate`, `deceased[x]`, `name[use=official]`, `meta.security[code=...]`. An item of a list that
    /// shares its label with others carries the start of a hash (`name[use=official~1f2e3d4c]`), so a path never says who somebody is.
    pub path: String,
    /// Who has it.
    pub difference: Difference,
    /// The left side as received, if there is one: a value, or members in braces where the field has several or, being a choice, could
    /// have one of several.
    pub left: Option<String>,
    /// The right side, likewise.
    pub right: Option<String>,
    /// It is one item of a list, so that both sides could stay.
    pub item: bool,
    /// The right record says nothing at all there; for an item, it has no item in that list.
    pub fills_blank: bool,
    /// Both sides are the same thing said twice (an identifier, an extension, a code), so that they had better not both stay.
    pub same_thing: bool,
}

/// Why two records cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DiffError {
    /// One of them is no record.
    #[error(transparent)]
    Reject(#[from] Reject),
    /// One of them can be read in two ways.
    #[error(transparent)]
    Canonical(#[from] CanonicalError),
    /// They are of different types.
    #[error("a {left} and a {right} cannot be compared")]
    OtherType {
        /// Type of the left one.
        left: String,
        /// Type of the right one.
        right: String,
    },
}

impl DiffError {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Reject(reject) => reject.hint(),
            Self::Canonical(error) => error.hint(),
            Self::OtherType { .. } => None,
        }
    }
}

impl fmt::Debug for FieldDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FieldDifference")
            .field("path", &self.path)
            .field("difference", &self.difference)
            .finish_non_exhaustive()
    }
}

/// The fields in which two records of one type differ, the left record's first, each in its own order. References below `source_base`
/// count as relative. `id`, what a server manages in `meta`, and the tags of this program are no differences.
pub fn diff(left: &[u8], right: &[u8], source_base: Option<&str>) -> Result<Vec<FieldDifference>, DiffError> {
    let (left, right) = readable(left, right)?;
    let (left, right) = (Record::read(left, source_base)?, Record::read(right, source_base)?);
    let mut found = Vec::new();
    for pair in pairs(&left, &right, &[]) {
        let whole = |record: &Record<'_>, field: Option<&Field<'_>>| {
            let field = field.filter(|field| field.print.is_some())?;
            Some(record.text(field).into_owned())
        };
        let fills_blank = pair.right.is_none_or(|field| field.print.is_none());
        match pair.rows {
            Rows::Same => {}
            Rows::Whole { order } => {
                let (left, right) = (whole(&left, pair.left), whole(&right, pair.right));
                found.push(FieldDifference {
                    path: pair.path,
                    difference: Difference::of(left.as_ref(), right.as_ref(), order),
                    left,
                    right,
                    item: false,
                    fills_blank,
                    same_thing: true,
                });
            }
            Rows::Items(rows) => {
                let text = |field: Option<&Field<'_>>, at: Option<usize>| {
                    let items = field?.items.as_ref()?;
                    Some(items[at?].text.to_owned())
                };
                for row in rows.into_iter().filter(|row| !row.same) {
                    let (left, right) = (text(pair.left, row.left), text(pair.right, row.right));
                    found.push(FieldDifference {
                        path: row.path,
                        difference: Difference::of(left.as_ref(), right.as_ref(), false),
                        left,
                        right,
                        item: true,
                        fills_blank,
                        same_thing: row.same_thing,
                    });
                }
            }
        }
    }
    Ok(found)
}

impl Difference {
    fn of(left: Option<&String>, right: Option<&String>, order: bool) -> Self {
        match (left, right) {
            _ if order => Self::Order,
            (Some(_), None) => Self::OnlyLeft,
            (None, _) => Self::OnlyRight,
            (Some(_), Some(_)) => Self::Differs,
        }
    }
}

/// Both as text, if they are records of one type.
pub(super) fn readable<'a>(left: &'a [u8], right: &'a [u8]) -> Result<(&'a str, &'a str), DiffError> {
    let types = (scan(left)?.resource_type, scan(right)?.resource_type);
    if types.0 != types.1 {
        return Err(DiffError::OtherType {
            left: types.0.to_owned(),
            right: types.1.to_owned(),
        });
    }
    Ok((text(left)?, text(right)?))
}

/// A line as text.
pub(super) fn text(line: &[u8]) -> Result<&str, CanonicalError> {
    std::str::from_utf8(line).map_err(|error| CanonicalError::NotUtf8 {
        column: error.valid_up_to() + 1,
    })
}

#[cfg(test)]
pub(super) mod tests;
