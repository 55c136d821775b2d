//! Attachments with their bytes inside, in place of an address (R4 datatypes, Attachment).

use std::io::Read;

use aws_lc_rs::digest::{Context as Hash, SHA1_FOR_LEGACY_USE_ONLY};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use base64::read::DecoderReader;
use serde::Deserialize;

use super::reference::{Kind, attachments, classify, references};
use super::scan::scan;
use super::splice::{Object, Part};

/// What a `Binary` holds.
#[derive(Clone, PartialEq, Eq)]
pub struct Document {
    content_type: String,
    /// Base64, in one piece.
    data: String,
    size: usize,
    /// SHA-1 in base64, as attachments state it.
    hash: String,
    /// Its security labels.
    labels: Vec<Label>,
    /// Whose access rules are its own.
    context: Option<String>,
}

#[derive(Deserialize)]
struct Binary {
    #[serde(rename = "contentType", default)]
    content_type: String,
    data: String,
    #[serde(default)]
    meta: Meta,
    #[serde(rename = "securityContext", default)]
    context: Context,
}

#[derive(Deserialize, Default)]
struct Context {
    reference: Option<String>,
}

#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    meta: Meta,
}

#[derive(Deserialize, Default)]
struct Meta {
    #[serde(default)]
    security: Vec<Label>,
}

#[derive(Clone, PartialEq, Eq, Deserialize)]
struct Label {
    #[serde(default)]
    system: String,
    #[serde(default)]
    code: String,
}

impl Document {
    /// That of a `Binary`, if it has bytes and says of what type they are.
    pub fn read(binary: &[u8]) -> Option<Self> {
        let Binary {
            content_type,
            data,
            meta,
            context,
        } = serde_json::from_slice(binary).ok()?;
        // Large, so copied only where it has to be.
        let data = if data.contains(|c: char| c.is_ascii_whitespace()) {
            data.split_ascii_whitespace().collect()
        } else {
            data
        };
        let (size, hash) = size_and_hash(&data)?;
        (size > 0 && !content_type.is_empty()).then_some(Self {
            content_type,
            size,
            hash,
            data,
            labels: meta.security,
            context: context.reference,
        })
    }

    /// Whether a record guards it as it is guarded by itself: with every security label that it has, and of the patient, or about the record,
    /// that it names (R4 Binary, `securityContext`).
    fn guarded_by(&self, line: &[u8], source_base: Option<&str>) -> bool {
        let (Ok(scan), Ok(head)) = (scan(line), serde_json::from_slice::<Head>(line)) else {
            return false;
        };
        let of = |text: &str| match classify(text, source_base) {
            Kind::Local { resource_type, id, .. } => format!("{resource_type}/{id}"),
            _ => text.to_owned(),
        };
        let named = self.context.as_deref().is_none_or(|context| {
            let context = of(context);
            format!("{}/{}", scan.resource_type, scan.id) == context
                || references(line).any(|reference| of(&reference.text) == context)
        });
        named && self.labels.iter().all(|label| head.meta.security.contains(label))
    }

    /// Its bytes, by number.
    pub fn size(&self) -> usize {
        self.size
    }
}

/// How many bytes base64 stands for, and their SHA-1; none where it is no base64.
fn size_and_hash(base64: &str) -> Option<(usize, String)> {
    let mut decoder = DecoderReader::new(base64.as_bytes(), &STANDARD);
    let (mut size, mut hash, mut some) = (0, Hash::new(&SHA1_FOR_LEGACY_USE_ONLY), [0; 8192]);
    loop {
        match decoder.read(&mut some).ok()? {
            0 => return Some((size, STANDARD.encode(hash.finish()))),
            read => {
                size += read;
                hash.update(&some[..read]);
            }
        }
    }
}

/// Puts documents into the attachments that lead to them, where `document` gives one for the id of a `Binary` of the server at `source_base`.
/// An attachment that has bytes already, states another hash, or would guard the document less than it is guarded by itself, stays as it is; so
/// does every other byte. The ids that were put in, in order,
/// and the record; none where nothing was.
pub fn inline(
    line: &[u8],
    source_base: Option<&str>,
    mut document: impl FnMut(&str) -> Option<Document>,
) -> Option<(Vec<String>, Vec<u8>)> {
    let text = std::str::from_utf8(line).ok()?;
    let (mut ids, mut written, mut copied) = (Vec::new(), String::new(), 0);
    for attachment in attachments(line) {
        let Kind::Local {
            resource_type: "Binary",
            id,
            ..
        } = classify(&attachment.url.text, source_base)
        else {
            continue;
        };
        // One inside of another is left to the other.
        let Some(object) = text
            .get(attachment.object.clone())
            .filter(|_| attachment.object.start >= copied)
        else {
            continue;
        };
        let Some(filled) = Object::read(object).ok().and_then(|object| {
            let document = document(id).filter(|document| document.guarded_by(line, source_base))?;
            filled(&object, document)
        }) else {
            continue;
        };
        ids.push(id.to_owned());
        written.reserve_exact(filled.len() + text.len() - copied);
        written.push_str(text.get(copied..attachment.object.start)?);
        written.push_str(&filled);
        copied = attachment.object.end;
    }
    written.push_str(text.get(copied..)?);
    (!ids.is_empty()).then(|| (ids, written.into_bytes()))
}

fn filled(attachment: &Object<'_>, document: Document) -> Option<String> {
    let said = |text: &str| serde_json::from_str::<String>(text).ok();
    let other_hash = attachment
        .get("hash")
        .is_some_and(|hash| said(hash).as_deref() != Some(&document.hash));
    if attachment.get("data").is_some() || other_hash {
        return None;
    }
    let mut parts = vec![Part::Keep; attachment.members.len()];
    let mut data = document.data;
    data.insert_str(0, r#""data":""#);
    data.push('"');
    parts[attachment.place("url")?] = Part::Replace(data);
    let content_type = serde_json::Value::from(document.content_type);
    let stated = [
        ("contentType", content_type),
        ("size", document.size.into()),
        ("hash", document.hash.into()),
    ];
    let added: Vec<String> = stated
        .into_iter()
        .filter(|(name, _)| attachment.get(name).is_none())
        .map(|(name, value)| format!(r#""{name}":{value}"#))
        .collect();
    Some(attachment.with(&parts, &added))
}

#[cfg(test)]
mod tests {
    use super::*;
    use insta::assert_snapshot;

    const BASE: Option<&str> = Some("https://ehr.example/r4");

    fn note() -> Document {
        Document::read(br#"{"resourceType":"Binary","id":"b","contentType":"text/plain","data":"SGVs\nbG8="}"#)
            .expect("bytes")
    }

    fn filled(line: &str) -> Option<String> {
        let (ids, line) = inline(line.as_bytes(), BASE, |id| (id == "b").then(note))?;
        assert!(ids.iter().all(|id| id == "b"));
        Some(String::from_utf8(line).expect("UTF-8"))
    }

    #[test]
    fn bytes_stand_where_the_address_was_and_everything_else_stays() {
        let line = r#"{"resourceType":"DocumentReference","id":"d", "n":1.10,"status":"current","content":[{"attachment":{"url":"https://ehr.example/r4/Binary/b"}},{"attachment":{"title":"x","url":"Binary/other"}}]}"#;
        assert_snapshot!(filled(line).expect("one"), @r#"{"resourceType":"DocumentReference","id":"d", "n":1.10,"status":"current","content":[{"attachment":{"data":"SGVsbG8=","contentType":"text/plain","size":5,"hash":"9/+ei3uy4Jtwk1pdeF4MxdnQq/A="}},{"attachment":{"title":"x","url":"Binary/other"}}]}"#);
        let twice = r#"{"resourceType":"Patient","id":"p","photo":[{"size":5,"contentType":"text/x","url":"Binary/b"},{"url":"Binary/b/_history/2","hash":"9/+ei3uy4Jtwk1pdeF4MxdnQq/A="}]}"#;
        assert_snapshot!(filled(twice).expect("both"), @r#"{"resourceType":"Patient","id":"p","photo":[{"size":5,"contentType":"text/x","data":"SGVsbG8=","hash":"9/+ei3uy4Jtwk1pdeF4MxdnQq/A="},{"data":"SGVsbG8=","hash":"9/+ei3uy4Jtwk1pdeF4MxdnQq/A=","contentType":"text/plain","size":5}]}"#);
    }

    #[test]
    fn m24_other_bytes_than_the_hash_says_are_not_put_in() {
        assert_eq!(
            filled(r#"{"resourceType":"Patient","id":"p","photo":[{"url":"Binary/b","hash":"AAAA"}]}"#),
            None
        );
        assert_eq!(
            filled(r#"{"resourceType":"Patient","id":"p","photo":[{"url":"Binary/b","data":"AAAA"}]}"#),
            None
        );
        assert_eq!(
            filled(r#"{"resourceType":"Patient","id":"p","photo":[{"url":"https://other.example/Binary/b"}]}"#),
            None
        );
        assert_eq!(
            filled(r#"{"resourceType":"Patient","extension":[{"url":"Binary/b"}]}"#),
            None,
            "the name of an extension"
        );
        assert_eq!(
            filled(r#"{"resourceType":"Patient","id":"p","photo":[{"url":"Binary/b","#),
            None,
            "a flaw"
        );
    }

    #[test]
    fn what_is_guarded_more_than_the_record_is_not_put_into_it() {
        let put = |binary: &str, line: &str| {
            let binary = format!(
                r#"{{"resourceType":"Binary","id":"b","contentType":"text/plain","data":"SGVsbG8=",{binary}}}"#
            );
            let document = || Document::read(binary.as_bytes());
            assert!(document().is_some(), "{binary}");
            let line = format!(r#"{{"resourceType":"Patient","id":"p",{line},"photo":[{{"url":"Binary/b"}}]}}"#);
            inline(line.as_bytes(), BASE, |_| document()).is_some()
        };
        let of = |reference: &str| format!(r#""securityContext":{{"reference":"{reference}"}}"#);
        let link = r#""link":[{"other":{"reference":"https://ehr.example/r4/Patient/q"}}]"#;
        assert!(put(&of("Patient/p"), link), "the record itself");
        assert!(put(&of("Patient/q"), link), "one that it refers to");
        assert!(!put(&of("Patient/r"), link), "somebody else");
        let label = |code: &str| format!(r#""meta":{{"security":[{{"system":"urn:x","code":"{code}"}}]}}"#);
        assert!(put(&label("R"), &label("R")));
        assert!(!put(&label("R"), &label("N")));
        assert!(!put(&label("R"), r#""active":true"#));
    }

    #[test]
    fn without_bytes_or_a_type_there_is_no_document() {
        for binary in [
            r#"{"contentType":"text/plain"}"#,
            r#"{"contentType":"text/plain","data":""}"#,
            r#"{"contentType":"text/plain","data":"%"}"#,
            r#"{"data":"SGVsbG8="}"#,
        ] {
            assert!(Document::read(binary.as_bytes()).is_none(), "{binary}");
        }
        assert_eq!(note().size(), 5);
    }
}
