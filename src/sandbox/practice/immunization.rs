//! Immunizations, given and refused.

use super::Practice;
use super::calendar::{DAY, Visit, span};
use super::census::Place;
use super::coding::{Coding, system};
use super::kind::Kind;
use super::line::{Line, Meta};

const fn vaccine(code: &'static str, display: &'static str) -> Coding {
    Coding::new(system::CVX, code, display)
}

/// Those from here on are for children too.
const ALSO_CHILDREN: usize = 5;
static VACCINES: [Coding; 14] = [
    vaccine("113", "Td (adult), 5 Lf tetanus toxoid, preservative free, adsorbed"),
    vaccine("115", "Tdap"),
    vaccine("33", "pneumococcal polysaccharide vaccine, 23 valent"),
    vaccine("187", "zoster vaccine recombinant"),
    vaccine("52", "Hep A, adult"),
    vaccine("140", "Influenza, split virus, trivalent, PF"),
    vaccine("133", "Pneumococcal conjugate PCV 13"),
    vaccine("08", "Hep B, adolescent or pediatric"),
    vaccine("165", "HPV9"),
    vaccine("03", "MMR"),
    vaccine("21", "varicella"),
    vaccine("20", "DTaP"),
    vaccine("10", "IPV"),
    vaccine("208", "COVID-19, mRNA, LNP-S, PF, 30 mcg/0.3 mL dose"),
];

/// A patient's n-th Immunization.
pub(super) fn immunization(practice: &Practice, place: Place) -> Vec<u8> {
    let index = place.index(Kind::Immunization);
    let visit = Visit::behind(practice, Kind::Immunization, place);
    let meta = Meta {
        updated: visit.start + DAY,
        profile: Some("immunization"),
        security: None,
    };
    let mut line = Line::start(practice, Kind::Immunization, index, meta);
    let refused = line.dice.one_in(15);
    let vaccine = *line.dice.pick(visit.suitable(&VACCINES, ALSO_CHILDREN));
    line.text("status", if refused { "not-done" } else { "completed" });
    if refused {
        line.status("statusReason", "v3-ActReason", "PATOBJ");
    }
    line.concept("vaccineCode", &vaccine);
    line.patient("patient", place.patient);
    line.encounter(visit);
    line.instant("occurrenceDateTime", visit.start + 1_500)
        .instant("recorded", visit.start + 1_800);
    let reported = line.dice.one_in(6);
    line.literal("primarySource", if reported { "false" } else { "true" });
    line.reference("location", Kind::Location, practice.site(place.patient));
    if !refused {
        let lot = format!("L{:05}", line.dice.below(100_000));
        let expires = visit.start + (200 + span(&mut line.dice, 300)) * DAY;
        line.text("lotNumber", &lot).date("expirationDate", expires);
        line.status("site", "v3-ActSite", "LA")
            .quantity("doseQuantity", "0.50", "mL");
    }
    line.list("performer")
        .item()
        .open("actor")
        .refer_practitioner(place.patient, place.nth)
        .close()
        .close()
        .end();
    line.finish()
}
