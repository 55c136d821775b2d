//! A quick look for references that matter, before the record is read for them.

use memchr::memchr_iter;
use memchr::memmem::Finder;

/// Finds what may be references to records of one type.
#[derive(Debug, Clone)]
pub struct Mention(Finder<'static>);

impl Mention {
    /// Of a resource type.
    pub fn of(resource_type: &str) -> Self {
        Self(Finder::new(resource_type).into_owned())
    }

    /// Whether a reference in the record may be one that `matters`, which is asked with the id wherever `Type/id` stands, reference or
    /// not, and with `?` for a search. False only if [`references`](super::references()) and [`rewrite`](super::rewrite()) would find
    /// none, provided that nothing [is escaped](may_hide).
    pub fn any(&self, line: &[u8], mut matters: impl FnMut(&str) -> bool) -> bool {
        self.0.find_iter(line).any(|at| {
            let behind = &line[at + self.0.needle().len()..];
            let of_id = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
            let id = match behind {
                [b'?', ..] => &behind[..1],
                [b'/', rest @ ..] => &rest[..rest.iter().take_while(of_id).count()],
                _ => return false,
            };
            // It is ASCII.
            matters(std::str::from_utf8(id).unwrap_or_default())
        })
    }
}

/// Whether escapes in the record may hide a reference from [`Mention`].
pub fn may_hide(line: &[u8]) -> bool {
    memchr_iter(b'\\', line).any(|at| matches!(line.get(at + 1), Some(b'/' | b'u')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::reference::tests::record;
    use crate::fhir::{Kind, classify, references, rewrite};
    use proptest::prelude::*;

    const BASE: &str = "https://ehr.example/fhir";

    #[test]
    fn every_form_is_mentioned() {
        let line = r#"{"reference":"Patient/a.1-b","r":"https://ehr.example/fhir/Patient/2/_history/3","s":"Patient?identifier=x|Patient","div":"<a href=\"Patient/b\">c</a>","PatientPatient":"Patients/7"}"#;
        let mut all = Vec::new();
        assert!(!Mention::of("Patient").any(line.as_bytes(), |id| {
            all.push(id.to_owned());
            false
        }));
        assert_eq!(all, ["a.1-b", "2", "?", "b"]);
        assert!(!may_hide(line.as_bytes()));
    }

    #[test]
    fn an_escape_may_hide_one() {
        for line in [r#"{"reference":"Patient\/1"}"#, r#"{"reference":"\u0050atient/1"}"#] {
            assert!(may_hide(line.as_bytes()));
        }
        assert!(!may_hide(br#"{"display":"a\"b\n"}"#));
    }

    proptest! {
        #[test]
        fn nothing_that_is_found_or_rewritten_goes_unmentioned(record in record(), pretty in any::<bool>(), nth in 0..4_usize) {
            let text = if pretty { format!("{record:#}") } else { record.to_string() };
            let named: Vec<(String, String)> = references(text.as_bytes())
                .filter_map(|found| match classify(&found.text, Some(BASE)) {
                    Kind::Local { resource_type, id, .. } => Some((resource_type.to_owned(), id.to_owned())),
                    _ => None,
                })
                .collect();
            let hidden = may_hide(text.as_bytes());
            if let Some((kind, id)) = named.get(nth) {
                prop_assert!(hidden || Mention::of(kind).any(text.as_bytes(), |is| is == id));
            }
            let wanted = |kind: &str, id: &str| (kind == "Patient" && id != "2").then(|| format!("Patient/other-{id}"));
            if rewrite(text.as_bytes(), Some(BASE), wanted).is_some() {
                prop_assert!(hidden || Mention::of("Patient").any(text.as_bytes(), |id| id != "2"));
            }
        }
    }
}
