//! FHIR data types on a line: codings, identifiers, references, quantities, periods, attachments.

use super::calendar::Visit;
use super::coding::{Coding, system};
use super::kind::Kind;
use super::line::Line;

impl Line<'_> {
    /// A Coding as the next element of a list.
    pub fn coding(&mut self, code: &Coding) -> &mut Self {
        self.item()
            .text("system", code.system)
            .text("code", code.code)
            .text("display", code.display)
            .close()
    }

    /// A `CodeableConcept` with one coding and its text.
    pub fn concept(&mut self, key: &str, code: &Coding) -> &mut Self {
        self.open(key)
            .list("coding")
            .coding(code)
            .end()
            .text("text", code.display)
            .close()
    }

    /// A list of one `CodeableConcept`.
    pub fn concepts(&mut self, key: &str, code: &Coding) -> &mut Self {
        self.list(key)
            .item()
            .list("coding")
            .coding(code)
            .end()
            .text("text", code.display)
            .close()
            .end()
    }

    /// A `CodeableConcept` whose code needs no words, in one of HL7's own systems.
    pub fn status(&mut self, key: &str, code_system: &str, code: &str) -> &mut Self {
        let address = format!("http://terminology.hl7.org/CodeSystem/{code_system}");
        self.open(key)
            .list("coding")
            .item()
            .text("system", &address)
            .text("code", code)
            .close()
            .end()
            .close()
    }

    /// A Reference under a key.
    pub fn reference(&mut self, key: &str, kind: Kind, index: u64) -> &mut Self {
        self.open(key).refer(kind, index).close()
    }

    /// The inside of a Reference, to which a display or a type may be added.
    pub fn refer(&mut self, kind: Kind, index: u64) -> &mut Self {
        let address = self.address(kind, index);
        self.text("reference", &address)
    }

    /// The inside of a Reference to one version.
    pub fn refer_version(&mut self, kind: Kind, index: u64) -> &mut Self {
        let address = format!("{}/_history/{}", self.address(kind, index), index % 3 + 1);
        self.text("reference", &address)
    }

    /// The patient, sometimes with the type spelled out.
    pub fn patient(&mut self, key: &str, patient: u64) -> &mut Self {
        self.open(key).refer(Kind::Patient, patient);
        if self.dice.one_in(10) {
            self.text("type", "Patient");
        }
        self.close()
    }

    /// The encounter, in a few lines in one version of it.
    pub fn encounter(&mut self, visit: Visit) -> &mut Self {
        self.open("encounter");
        if self.dice.one_in(40) {
            self.refer_version(Kind::Encounter, visit.index);
        } else {
            self.refer(Kind::Encounter, visit.index);
        }
        self.close()
    }

    /// The inside of a Reference to a practitioner of the patient's own, mostly with the name.
    pub fn refer_practitioner(&mut self, patient: u64, which: u64) -> &mut Self {
        let index = self.practice().practitioner(patient, which);
        self.refer(Kind::Practitioner, index);
        if !self.dice.one_in(3) {
            let name = super::practitioner::display(self.practice(), index);
            self.text("display", &name);
        }
        self
    }

    /// An Identifier as the next element of a list, open for more; its type is from HL7 table 0203.
    pub fn identifier(&mut self, kind: &Coding, code_system: &str, value: &str) -> &mut Self {
        self.item()
            .concept("type", kind)
            .text("system", code_system)
            .text("value", value)
    }

    /// A Quantity in UCUM; the value is written exactly as spelled.
    pub fn quantity(&mut self, key: &str, value: &str, unit: &str) -> &mut Self {
        self.open(key).literal("value", value);
        self.text("unit", unit)
            .text("system", system::UCUM)
            .text("code", unit)
            .close()
    }

    /// A Period from and, if it is over, to an instant.
    pub fn period(&mut self, key: &str, start: i64, end: Option<i64>) -> &mut Self {
        self.open(key).instant("start", start);
        if let Some(end) = end {
            self.instant("end", end);
        }
        self.close()
    }

    /// A generated narrative that links to another resource of the same server.
    pub fn narrative(&mut self, words: &str, kind: Kind, index: u64) -> &mut Self {
        let target = self.address(kind, index);
        let words = words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let div = format!(
            "<div xmlns=\"http://www.w3.org/1999/xhtml\">\n\t<p>{words}</p>\n\t<p>See <a href=\"{target}\">{}</a>.</p>\n</div>",
            kind.name()
        );
        self.open("text").text("status", "generated").text("div", &div).close()
    }
}
