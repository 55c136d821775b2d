//! What a migration must know of every record, read from its bytes in one pass.

use super::json::Cursor;
use super::json_string::Text;
use super::reject::Reject;
use super::required;

/// What one line of NDJSON says about itself, borrowed from it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Scan<'a> {
    /// `resourceType`.
    pub resource_type: &'a str,
    /// `id`.
    pub id: &'a str,
    /// `meta.lastUpdated` as written: meant to be an instant, not checked.
    pub last_updated: Option<&'a str>,
    /// Whether `meta.tag` says that the server left elements out (`SUBSETTED`).
    pub subsetted: bool,
    /// Id of the Patient in whose compartment the record is: the first reference to a Patient among the top-level
    /// elements `subject`, `patient`, `beneficiary`, `individual`, `candidate`, `for` and `target`, in that order of
    /// precedence, whether relative, absolute (on any server) or versioned. A Patient itself has none.
    pub patient: Option<&'a str>,
}

/// Reads one line, with or without its line end, and says why when it cannot be taken as a record.
///
/// What it accepts, a JSON tree can be built of, and every element name stands in it without escapes.
pub fn scan(line: &[u8]) -> Result<Scan<'_>, Reject> {
    let text = std::str::from_utf8(line).map_err(|error| Reject::NotUtf8 {
        column: error.valid_up_to() + 1,
    })?;
    let mut fields = Fields::read(text, None)?;
    let resource_type = fields.resource_type.ok_or(Reject::NoResourceType)?;
    let required = required::elements(resource_type);
    if fields.type_is_late && !required.is_empty() {
        fields = Fields::read(text, Some(required))?;
    }
    let id = fields.id.ok_or(Reject::NoId)?;
    for (bit, element) in required.iter().enumerate() {
        if fields.present & 1 << bit == 0 {
            return Err(missing(resource_type, element));
        }
    }
    if let Some(content) = fields.content
        && resource_type == "DocumentReference"
    {
        check_attachments(content)?;
    }
    Ok(Scan {
        resource_type,
        id,
        last_updated: fields.meta.last_updated,
        subsetted: fields.meta.subsetted,
        patient: fields.patients.into_iter().flatten().next(),
    })
}

/// Whether `id` is 1 to 64 of the characters an id may have (R4 datatypes, id).
pub fn is_id(id: &str) -> bool {
    matches!(id.len(), 1..=64)
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
}

/// Whether `name` looks like the name of a resource type: 2 to 64 letters, the first a capital.
pub fn is_type_name(name: &str) -> bool {
    matches!(name.len(), 2..=64)
        && name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// Elements that put a record into a patient's compartment, most telling first.
const PATIENT_ELEMENTS: [&str; 7] = [
    "subject",
    "patient",
    "beneficiary",
    "individual",
    "candidate",
    "for",
    "target",
];

/// Place of an element in [`PATIENT_ELEMENTS`].
fn patient_element(name: &str) -> Option<usize> {
    Some(match name {
        "subject" => 0,
        "patient" => 1,
        "beneficiary" => 2,
        "individual" => 3,
        "candidate" => 4,
        "for" => 5,
        "target" => 6,
        _ => return None,
    })
}

/// The code of the tag on an incomplete record (R4 search, summary).
const SUBSETTED: &str = "SUBSETTED";

#[derive(Default)]
struct Fields<'a> {
    resource_type: Option<&'a str>,
    /// Whether other elements came before `resourceType`, so that it was too late to see which are required.
    type_is_late: bool,
    id: Option<&'a str>,
    meta: Meta<'a>,
    patients: [Option<&'a str>; PATIENT_ELEMENTS.len()],
    content: Option<&'a str>,
    /// One bit for each required element of the type, by its place in the list.
    present: u8,
}

#[derive(Default)]
struct Meta<'a> {
    last_updated: Option<&'a str>,
    subsetted: bool,
}

impl<'a> Fields<'a> {
    fn read(text: &'a str, required: Option<&'static [&'static str]>) -> Result<Self, Reject> {
        let mut cursor = Cursor::new(text);
        match cursor.peek() {
            Some(b'{') => {}
            Some(b'[' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n') => {
                return Err(Reject::NotObject);
            }
            _ => {
                return Err(Reject::NotJson {
                    column: cursor.position() + 1,
                });
            }
        }
        let mut fields = Self::default();
        let mut required = required;
        let mut meta_seen = false;
        let mut patients_seen = 0u8;
        let mut first = true;
        cursor.object(|cursor, name| {
            match name.raw {
                "resourceType" => {
                    once(fields.resource_type.is_some(), "resourceType")?;
                    let name = plain(cursor)?
                        .filter(|name| is_type_name(name))
                        .ok_or(Reject::BadResourceType)?;
                    fields.resource_type = Some(name);
                    fields.type_is_late = !first;
                    required = required.or(Some(required::elements(name)));
                }
                "id" => {
                    once(fields.id.is_some(), "id")?;
                    fields.id = Some(plain(cursor)?.filter(|id| is_id(id)).ok_or(Reject::BadId)?);
                }
                "meta" => {
                    once(meta_seen, "meta")?;
                    meta_seen = true;
                    fields.meta = Meta::read(cursor)?;
                }
                name => {
                    let start = cursor.skip_white_space();
                    if let Some(place) = patient_element(name) {
                        once(patients_seen & 1 << place != 0, PATIENT_ELEMENTS[place])?;
                        patients_seen |= 1 << place;
                        fields.patients[place] = patient(cursor, PATIENT_ELEMENTS[place])?;
                    } else {
                        cursor.skip()?;
                    }
                    let value = &text[start..cursor.position()];
                    if name == "content" {
                        once(fields.content.is_some(), "content")?;
                        fields.content = Some(value);
                    }
                    let place = required
                        .unwrap_or_default()
                        .iter()
                        .position(|element| required::gives(name, element));
                    if let Some(bit) = place
                        && !is_empty(value)
                    {
                        fields.present |= 1 << bit;
                    }
                }
            }
            first = false;
            Ok::<_, Reject>(())
        })?;
        cursor.end()?;
        Ok(fields)
    }
}

impl<'a> Meta<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, Reject> {
        let mut meta = Self::default();
        let mut tag_seen = false;
        if cursor.peek() != Some(b'{') {
            return Err(wrong_kind("meta"));
        }
        cursor.object(|cursor, name| {
            match name.raw {
                "lastUpdated" => {
                    once(meta.last_updated.is_some(), "meta.lastUpdated")?;
                    let text = text(cursor, "meta.lastUpdated")?;
                    meta.last_updated = Some(text.plain().ok_or_else(|| escaped("meta.lastUpdated"))?);
                }
                "tag" => {
                    once(tag_seen, "meta.tag")?;
                    tag_seen = true;
                    if cursor.peek() != Some(b'[') {
                        return Err(wrong_kind("meta.tag"));
                    }
                    cursor.array(|cursor| {
                        meta.subsetted |= is_subsetted(cursor)?;
                        Ok::<_, Reject>(())
                    })?;
                }
                _ => {
                    cursor.skip()?;
                }
            }
            Ok::<_, Reject>(())
        })?;
        Ok(meta)
    }
}

/// Reads one tag. Its system is not compared: releases of FHIR write it in several ways, and taking a complete record
/// for an incomplete one only costs a question.
fn is_subsetted(cursor: &mut Cursor<'_>) -> Result<bool, Reject> {
    if cursor.peek() != Some(b'{') {
        return Err(wrong_kind("meta.tag"));
    }
    let mut found = false;
    cursor.object(|cursor, name| {
        if name.raw == "code" && cursor.peek() == Some(b'"') {
            found |= cursor.string()?.value() == SUBSETTED;
        } else {
            cursor.skip()?;
        }
        Ok::<_, Reject>(())
    })?;
    Ok(found)
}

/// Reads a Reference or an array of them and returns the id of the first Patient.
fn patient<'a>(cursor: &mut Cursor<'a>, element: &'static str) -> Result<Option<&'a str>, Reject> {
    let mut found = None;
    match cursor.peek() {
        Some(b'[') => cursor.array(|cursor| {
            let next = if cursor.peek() == Some(b'{') {
                patient(cursor, element)?
            } else {
                cursor.skip().map(|_| None)?
            };
            found = found.or(next);
            Ok::<_, Reject>(())
        })?,
        Some(b'{') => {
            let mut seen = false;
            cursor.object(|cursor, name| {
                if name.raw == "reference" && cursor.peek() == Some(b'"') {
                    once(seen, element)?;
                    seen = true;
                    let reference = cursor.string()?;
                    found = patient_id(reference);
                    // A slash may be escaped; letters that are would hide whose record this is.
                    if found.is_none() && reference.raw.contains("\\u") {
                        return Err(escaped(element));
                    }
                } else {
                    cursor.skip()?;
                }
                Ok::<_, Reject>(())
            })?;
        }
        _ => {
            cursor.skip()?;
        }
    }
    Ok(found)
}

/// The id in `Patient/id`, with or without a server before it and a version after it.
fn patient_id(reference: Text<'_>) -> Option<&str> {
    let mut parts = reference
        .raw
        .rsplit('/')
        .map(|part| part.strip_suffix('\\').unwrap_or(part));
    let (mut id, mut kind) = (parts.next()?, parts.next()?);
    if kind == "_history" {
        (id, kind) = (parts.next()?, parts.next()?);
    }
    (kind == "Patient" && is_id(id)).then_some(id)
}

/// Checks that each item of the `content` of a `DocumentReference` has an attachment.
fn check_attachments(content: &str) -> Result<(), Reject> {
    let mut cursor = Cursor::new(content);
    if cursor.peek() != Some(b'[') {
        return Err(wrong_kind("content"));
    }
    cursor.array(|cursor| {
        if cursor.peek() != Some(b'{') {
            return Err(wrong_kind("content"));
        }
        let mut present = false;
        cursor.object(|cursor, name| {
            let range = cursor.skip()?;
            present |= name.raw == "attachment" && !is_empty(&content[range]);
            Ok::<_, Reject>(())
        })?;
        if present {
            Ok(())
        } else {
            Err(missing("DocumentReference", "content.attachment"))
        }
    })
}

/// Whether a value says nothing, which FHIR does not allow and takes for absent.
fn is_empty(value: &str) -> bool {
    match value.as_bytes() {
        b"null" | b"\"\"" => true,
        [b'{' | b'[', inner @ .., b'}' | b']'] => {
            inner.first().is_none_or(u8::is_ascii_whitespace) && inner.trim_ascii().is_empty()
        }
        _ => false,
    }
}

/// Reads a string without escapes; None for anything else.
fn plain<'a>(cursor: &mut Cursor<'a>) -> Result<Option<&'a str>, Reject> {
    if cursor.peek() == Some(b'"') {
        Ok(cursor.string()?.plain())
    } else {
        cursor.skip()?;
        Ok(None)
    }
}

fn text<'a>(cursor: &mut Cursor<'a>, element: &'static str) -> Result<Text<'a>, Reject> {
    if cursor.peek() == Some(b'"') {
        Ok(cursor.string()?)
    } else {
        Err(wrong_kind(element))
    }
}

fn once(seen: bool, element: &'static str) -> Result<(), Reject> {
    if seen {
        Err(Reject::Duplicate {
            element: element.into(),
        })
    } else {
        Ok(())
    }
}

fn wrong_kind(element: &'static str) -> Reject {
    Reject::WrongKind {
        element: element.into(),
    }
}

fn escaped(element: &'static str) -> Reject {
    Reject::EscapedValue {
        element: element.into(),
    }
}

fn missing(resource_type: &str, element: &'static str) -> Reject {
    Reject::MissingElement {
        resource_type: resource_type.to_owned().into(),
        element: element.into(),
    }
}

#[cfg(test)]
mod tests;
