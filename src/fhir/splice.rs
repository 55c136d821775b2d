//! Objects and arrays with the places of their parts, and changing some parts so that every other byte stays.

use std::ops::Range;

use super::json::{Cursor, Flaw};

/// A member of an object.
pub(super) struct Member<'a> {
    pub name: &'a str,
    /// From the opening quote of the name to the end of the value.
    pub span: Range<usize>,
    pub value: &'a str,
}

/// An object and its members in order.
pub(super) struct Object<'a> {
    pub text: &'a str,
    pub members: Vec<Member<'a>>,
}

/// An array and its items in order.
pub(super) struct Array<'a> {
    pub text: &'a str,
    spans: Vec<Range<usize>>,
}

/// What becomes of a part.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Part {
    Keep,
    Replace(String),
    Remove,
}

impl<'a> Object<'a> {
    pub fn read(text: &'a str) -> Result<Self, Flaw> {
        let mut cursor = Cursor::new(text);
        let mut members = Vec::new();
        cursor.object(|cursor, name| {
            let value = cursor.skip()?;
            members.push(Member {
                name: name.raw,
                span: name.start - 1..value.end,
                value: &text[value],
            });
            Ok::<_, Flaw>(())
        })?;
        cursor.end()?;
        Ok(Self { text, members })
    }

    /// The value of a member.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.members
            .iter()
            .find(|member| member.name == name)
            .map(|member| member.value)
    }

    /// The place of a member.
    pub fn place(&self, name: &str) -> Option<usize> {
        self.members.iter().position(|member| member.name == name)
    }

    /// A member as written, name and value.
    pub fn member(&self, place: usize) -> &'a str {
        &self.text[self.members[place].span.clone()]
    }

    /// A member as written, but with another value.
    pub fn member_with(&self, place: usize, value: &str) -> String {
        let member = &self.members[place];
        let before = &self.text[member.span.start..member.span.end - member.value.len()];
        format!("{before}{value}")
    }

    /// The object with its members changed and others added behind them; one `Part` for each member.
    pub fn with(&self, parts: &[Part], added: &[String]) -> String {
        let spans: Vec<_> = self.members.iter().map(|member| member.span.clone()).collect();
        splice(self.text, &spans, parts, added)
    }
}

impl<'a> Array<'a> {
    pub fn read(text: &'a str) -> Result<Self, Flaw> {
        let mut cursor = Cursor::new(text);
        let mut spans = Vec::new();
        cursor.array(|cursor| {
            spans.push(cursor.skip()?);
            Ok::<_, Flaw>(())
        })?;
        cursor.end()?;
        Ok(Self { text, spans })
    }

    pub fn items(&self) -> impl Iterator<Item = &'a str> {
        self.spans.iter().map(|span| &self.text[span.clone()])
    }

    /// The array with its items changed and others added behind them; one `Part` for each item.
    pub fn with(&self, parts: &[Part], added: &[String]) -> String {
        splice(self.text, &self.spans, parts, added)
    }
}

fn splice(text: &str, spans: &[Range<usize>], parts: &[Part], added: &[String]) -> String {
    let open = text.find(['{', '[']).map_or(0, |at| at + 1);
    let close = text.rfind(['}', ']']).unwrap_or(text.len());
    let first = spans.first().map_or(close, |span| span.start);
    let last = spans.last().map_or(close, |span| span.end);
    let new = parts.iter().map(|part| match part {
        Part::Replace(with) => with.len(),
        Part::Keep | Part::Remove => 0,
    });
    let room = new.sum::<usize>() + added.iter().map(|part| part.len() + 1).sum::<usize>();
    let mut written = String::with_capacity(text.len() + room);
    written.push_str(&text[..open]);
    written.push_str(&text[open..first]);
    let mut empty = true;
    for (at, (span, part)) in spans.iter().zip(parts).enumerate() {
        let part = match part {
            Part::Keep => &text[span.clone()],
            Part::Replace(with) => with,
            Part::Remove => continue,
        };
        if !empty {
            // What stood before this part, comma and white space.
            written.push_str(&text[spans[at - 1].end..span.start]);
        }
        written.push_str(part);
        empty = false;
    }
    for part in added {
        if !empty {
            written.push(',');
        }
        written.push_str(part);
        empty = false;
    }
    written.push_str(&text[last..]);
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_changed_stays_to_the_byte() {
        let object = Object::read(r#" { "a" : 1.10 , "b":[ 1, 2 ],"c":"x" } "#).unwrap();
        let keep = vec![Part::Keep; 3];
        assert_eq!(object.with(&keep, &[]), object.text);
        let parts = [Part::Remove, Part::Keep, Part::Replace("\"c\":7".to_owned())];
        assert_eq!(
            object.with(&parts, &["\"d\":8".to_owned()]),
            r#" { "b":[ 1, 2 ],"c":7,"d":8 } "#
        );
        let parts = [Part::Keep, Part::Remove, Part::Remove];
        assert_eq!(object.with(&parts, &[]), r#" { "a" : 1.10 } "#);
        assert_eq!(object.member_with(0, "2"), r#""a" : 2"#);
        assert_eq!(
            object.with(&vec![Part::Remove; 3], &["\"d\":8".to_owned()]),
            r#" { "d":8 } "#
        );
    }

    #[test]
    fn an_empty_array_takes_items() {
        let array = Array::read("[ ]").unwrap();
        assert_eq!(array.with(&[], &["1".to_owned(), "2".to_owned()]), "[ 1,2]");
        let array = Array::read("[1 , 2,3]").unwrap();
        assert_eq!(array.items().collect::<Vec<_>>(), ["1", "2", "3"]);
        assert_eq!(array.with(&[Part::Keep, Part::Remove, Part::Keep], &[]), "[1,3]");
    }
}
