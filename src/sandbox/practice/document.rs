//! Documents: the note or scan itself (Binary), what is known about it, and the composition that a physician signed off.

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::Practice;
use super::calendar::{DAY, Visit};
use super::census::Place;
use super::coding::Coding;
use super::dice::Dice;
use super::kind::Kind;
use super::line::{Line, Meta};
use super::organization::PRACTICE;

/// Purpose number of the bytes of a document.
const CONTENT: u64 = 0xD0C5;

const NOTES: [Coding; 5] = [
    Coding::loinc("34108-1", "Outpatient Note"),
    Coding::loinc("11506-3", "Progress note"),
    Coding::loinc("34117-2", "History and physical note"),
    Coding::loinc("18842-5", "Discharge summary"),
    Coding::loinc("11488-4", "Consult note"),
];
const SENTENCES: [&str; 8] = [
    "Patient seen and examined. ",
    "Denies chest pain, dyspnea, or fever.\n",
    "Exam: lungs clear, heart regular, abdomen soft. ",
    "Plan: continue current medications, recheck in 3 months.\n",
    "Discussed diet \u{2014} patient states \u{201C}I'll try\u{201D}. ",
    "Temp 98.6 \u{B0}F, SpO\u{2082} 98 %. ",
    "Señora acompañada por su hija; intérprete presente.\r\n",
    "Labs reviewed; see attached. ",
];

/// The bytes of a document.
struct Content {
    mime: &'static str,
    bytes: Vec<u8>,
}

impl Content {
    /// What a patient's n-th Binary holds: 1 to 15 KB, and one in forty-eight about 150 KB.
    fn of_binary(practice: &Practice, place: Place) -> Self {
        let index = place.index(Kind::Binary);
        let mut dice = Dice::at(practice.seed(), CONTENT, index);
        let size = 1_000 + dice.below(14_000) + if index % 48 == 5 { 140_000 } else { 0 };
        let size = usize::try_from(size).unwrap_or(0);
        // What was signed off is a PDF.
        let signed = place.count(Kind::Composition) > place.nth;
        if signed || index.is_multiple_of(3) {
            Self::pdf(&mut dice, size)
        } else {
            Self::note(&mut dice, size)
        }
    }

    /// A small note that needs no Binary of its own.
    fn inline(practice: &Practice, index: u64) -> Self {
        let mut dice = Dice::at(practice.seed(), CONTENT + 1, index);
        let size = usize::try_from(120 + dice.below(700)).unwrap_or(0);
        Self::note(&mut dice, size)
    }

    fn note(dice: &mut Dice, size: usize) -> Self {
        let mut text = String::with_capacity(size + 80);
        while text.len() < size {
            let sentence = *dice.pick(&SENTENCES);
            text.push_str(sentence);
        }
        Self {
            mime: "text/plain;charset=utf-8",
            bytes: text.into_bytes(),
        }
    }

    /// The outside of a PDF; inside are bytes that do not compress, as in a scan.
    fn pdf(dice: &mut Dice, size: usize) -> Self {
        let mut bytes = Vec::with_capacity(size + 128);
        bytes.extend_from_slice(b"%PDF-1.4\n%\xE2\xE3\xCF\xD3\n1 0 obj\n<< /Filter /DCTDecode >>\nstream\n");
        while bytes.len() < size {
            bytes.extend_from_slice(&dice.next().to_le_bytes());
        }
        bytes.extend_from_slice(b"\nendstream\nendobj\ntrailer\n<< >>\n%%EOF\n");
        Self {
            mime: "application/pdf",
            bytes,
        }
    }
}

/// A patient's n-th Binary.
pub(super) fn binary(practice: &Practice, place: Place) -> Vec<u8> {
    let index = place.index(Kind::Binary);
    let visit = Visit::behind(practice, Kind::DocumentReference, place);
    let meta = Meta {
        updated: visit.start + DAY,
        profile: None,
        security: None,
    };
    let mut line = Line::start(practice, Kind::Binary, index, meta);
    let content = Content::of_binary(practice, place);
    line.text("contentType", content.mime);
    line.patient("securityContext", place.patient);
    line.text("data", &STANDARD.encode(&content.bytes));
    line.finish()
}

fn attachment(line: &mut Line, place: Place, index: u64, created: i64) {
    let practice = line.practice();
    line.open("attachment");
    if place.count(Kind::Binary) > place.nth {
        let content = Content::of_binary(practice, place);
        let id = practice.id(Kind::Binary, place.index(Kind::Binary));
        // A url may also be relative to the server's base, and now and then one is.
        let base = if line.dice.one_in(8) { "" } else { "{base}/" };
        line.text("contentType", content.mime)
            .text("url", &format!("{base}Binary/{id}"));
        line.literal("size", &content.bytes.len().to_string());
        if line.dice.one_in(2) {
            let hash = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &content.bytes);
            line.text("hash", &STANDARD.encode(hash));
        }
    } else {
        let content = Content::inline(practice, index);
        line.text("contentType", content.mime)
            .text("data", &STANDARD.encode(&content.bytes));
    }
    line.instant("creation", created).close();
}

/// A patient's n-th `DocumentReference`: the first ones point at the patient's Binaries, the rest hold their text.
pub(super) fn reference(practice: &Practice, place: Place) -> Vec<u8> {
    let kind = Kind::DocumentReference;
    let index = place.index(kind);
    let visit = Visit::behind(practice, kind, place);
    let meta = Meta {
        updated: visit.start + DAY,
        profile: Some("documentreference"),
        security: None,
    };
    let mut line = Line::start(practice, kind, index, meta);
    let note = *line.dice.pick(&NOTES);
    let number = format!("urn:uuid:{}", practice.id(kind, index));
    line.list("identifier")
        .item()
        .text("system", "urn:ietf:rfc:3986")
        .text("value", &number)
        .close()
        .end();
    line.rarely("status", 20, "superseded", "current")
        .text("docStatus", "final");
    line.concept("type", &note);
    line.list("category").item().list("coding").item();
    line.text(
        "system",
        "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category",
    );
    line.text("code", "clinical-note")
        .text("display", "Clinical Note")
        .close()
        .end()
        .close()
        .end();
    line.patient("subject", place.patient);
    line.instant("date", visit.start + 3_600);
    line.list("author")
        .item()
        .refer_practitioner(place.patient, place.nth)
        .close()
        .end();
    line.reference("custodian", Kind::Organization, PRACTICE);
    if place.nth > 0 && line.dice.one_in(6) {
        let before = Place::new(place.patient, place.nth - 1).index(kind);
        line.list("relatesTo")
            .item()
            .text("code", "appends")
            .reference("target", kind, before)
            .close()
            .end();
    }
    line.list("content").item();
    attachment(&mut line, place, index, visit.start + 3_600);
    line.open("format")
        .text("system", "http://ihe.net/fhir/ValueSet/IHE.FormatCode.codesystem");
    line.text("code", "urn:ihe:iti:xds:2017:mimeTypeSufficient")
        .close()
        .close()
        .end();
    line.open("context")
        .list("encounter")
        .item()
        .refer(Kind::Encounter, visit.index)
        .close()
        .end();
    line.period("period", visit.start, Some(visit.start + 1_800)).close();
    line.finish()
}

/// A patient's n-th Composition: signed off, with the signed PDF as its document reference.
pub(super) fn composition(practice: &Practice, place: Place) -> Vec<u8> {
    let index = place.index(Kind::Composition);
    // The same visit as the document's.
    let visit = Visit::behind(practice, Kind::DocumentReference, place);
    let document = place.index(Kind::DocumentReference);
    let meta = Meta {
        updated: visit.start + DAY,
        profile: None,
        security: None,
    };
    let mut line = Line::start(practice, Kind::Composition, index, meta);
    let note = *line.dice.pick(&NOTES);
    line.text("status", "final").concept("type", &note);
    line.patient("subject", place.patient);
    line.encounter(visit);
    line.instant("date", visit.start + 3_600);
    line.list("author")
        .item()
        .refer_practitioner(place.patient, place.nth)
        .close()
        .end();
    line.text("title", &format!("{} \u{2013} signed", note.display));
    line.list("attester")
        .item()
        .text("mode", "legal")
        .instant("time", visit.start + 7_200);
    line.open("party")
        .refer_practitioner(place.patient, place.nth)
        .close()
        .close()
        .end();
    line.reference("custodian", Kind::Organization, PRACTICE);
    line.list("section")
        .item()
        .text("title", "Signed document")
        .concept("code", &note);
    line.list("entry")
        .item()
        .refer(Kind::DocumentReference, document)
        .close()
        .end()
        .close()
        .end();
    line.finish()
}
