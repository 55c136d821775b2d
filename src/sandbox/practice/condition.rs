//! Problems and diagnoses: active, resolved, entered in error, and confidential ones.

use super::Practice;
use super::calendar::{DAY, EXPORT, Life, Visit, span};
use super::census::Place;
use super::coding::{ALCOHOL, Coding, PSYCHIATRY, RESTRICTED, system};
use super::dice::{mix, nth};
use super::kind::Kind;
use super::line::{Line, Meta};

/// A diagnosis in SNOMED CT and ICD-10-CM.
struct Diagnosis {
    snomed: Coding,
    icd10: &'static str,
    /// It does not go away by itself.
    chronic: bool,
    label: Option<&'static Coding>,
}

const fn chronic(snomed: &'static str, display: &'static str, icd10: &'static str) -> Diagnosis {
    Diagnosis {
        snomed: Coding::snomed(snomed, display),
        icd10,
        chronic: true,
        label: None,
    }
}

const fn acute(snomed: &'static str, display: &'static str, icd10: &'static str) -> Diagnosis {
    Diagnosis {
        snomed: Coding::snomed(snomed, display),
        icd10,
        chronic: false,
        label: None,
    }
}

const fn confidential(
    snomed: &'static str,
    display: &'static str,
    icd10: &'static str,
    label: &'static Coding,
) -> Diagnosis {
    Diagnosis {
        snomed: Coding::snomed(snomed, display),
        icd10,
        chronic: true,
        label: Some(label),
    }
}

/// Those from here on are seen in children too.
const ALSO_CHILDREN: usize = 20;
/// Diagnoses of adults first.
static DIAGNOSES: [Diagnosis; 34] = [
    confidential("7200002", "Alcoholism", "F10.20", &ALCOHOL),
    confidential("35489007", "Depressive disorder", "F32.A", &PSYCHIATRY),
    confidential("86406008", "Human immunodeficiency virus infection", "B20", &RESTRICTED),
    chronic("59621000", "Essential hypertension", "I10"),
    chronic("44054006", "Diabetes mellitus type 2", "E11.9"),
    chronic("55822004", "Hyperlipidemia", "E78.5"),
    chronic("13645005", "Chronic obstructive lung disease", "J44.9"),
    chronic("197480006", "Anxiety disorder", "F41.9"),
    chronic("235595009", "Gastroesophageal reflux disease", "K21.9"),
    chronic("40930008", "Hypothyroidism", "E03.9"),
    chronic("396275006", "Osteoarthritis", "M19.90"),
    chronic("414916001", "Obesity", "E66.9"),
    chronic("709044004", "Chronic kidney disease", "N18.9"),
    chronic("49436004", "Atrial fibrillation", "I48.91"),
    chronic("53741008", "Coronary arteriosclerosis", "I25.10"),
    chronic("84114007", "Heart failure", "I50.9"),
    chronic("271737000", "Anemia", "D64.9"),
    chronic("37796009", "Migraine", "G43.909"),
    chronic("64859006", "Osteoporosis", "M81.0"),
    chronic("13746004", "Ménière's disease, \"drop attacks\" denied", "H81.09"),
    chronic("195967001", "Asthma", "J45.909"),
    chronic("24079001", "Atopic dermatitis", "L20.9"),
    acute("10509002", "Acute bronchitis", "J20.9"),
    acute("36971009", "Sinusitis", "J32.9"),
    acute("43878008", "Streptococcal sore throat", "J02.0"),
    acute("195662009", "Acute viral pharyngitis", "J02.9"),
    acute("444814009", "Viral sinusitis", "J01.90"),
    acute("68566005", "Urinary tract infectious disease", "N39.0"),
    acute("65363002", "Otitis media", "H66.90"),
    acute("840539006", "COVID-19", "U07.1"),
    acute("233604007", "Pneumonia", "J18.9"),
    acute("44465007", "Sprain of ankle", "S93.409A"),
    acute("6142004", "Influenza", "J11.1"),
    acute("62106007", "Concussion with no loss of consciousness", "S06.0X0A"),
];

/// A patient's n-th Condition.
pub(super) fn condition(practice: &Practice, place: Place) -> Vec<u8> {
    let index = place.index(Kind::Condition);
    let visit = Visit::behind(practice, Kind::Condition, place);
    let found = diagnosis(practice, place);
    let meta = Meta {
        updated: visit.start + DAY,
        profile: Some("condition-encounter-diagnosis"),
        security: found.label,
    };
    let mut line = Line::start(practice, Kind::Condition, index, meta);
    let mistaken = line.dice.one_in(25);
    let over = !found.chronic && visit.start + 30 * DAY < Life::of(practice, place.patient).end().min(EXPORT);
    if place.nth > 0 && line.dice.one_in(20) {
        let cause = Place::new(place.patient, place.nth - 1).index(Kind::Condition);
        line.list("extension")
            .item()
            .text("url", "http://hl7.org/fhir/StructureDefinition/condition-dueTo");
        line.reference("valueReference", Kind::Condition, cause).close().end();
    }
    if line.dice.one_in(30) {
        line.narrative(found.snomed.display, Kind::Encounter, visit.index);
    }
    if !mistaken {
        line.status(
            "clinicalStatus",
            "condition-clinical",
            if over { "resolved" } else { "active" },
        );
    }
    let doubtful = line.dice.one_in(12);
    let verification = match (mistaken, doubtful) {
        (true, _) => "entered-in-error",
        (_, true) => "provisional",
        _ => "confirmed",
    };
    line.status("verificationStatus", "condition-ver-status", verification);
    line.list("category").item().list("coding").item();
    line.text("system", "http://terminology.hl7.org/CodeSystem/condition-category");
    line.text(
        "code",
        if found.chronic {
            "problem-list-item"
        } else {
            "encounter-diagnosis"
        },
    )
    .close()
    .end()
    .close()
    .end();
    line.open("code").list("coding").coding(&found.snomed);
    line.coding(&Coding::new(system::ICD10, found.icd10, found.snomed.display))
        .end()
        .text("text", found.snomed.display)
        .close();
    line.patient("subject", place.patient);
    line.encounter(visit);
    let onset = visit.start - span(&mut line.dice, 9) * DAY;
    line.instant("onsetDateTime", onset);
    if over && !mistaken {
        let abated = visit.start + (7 + span(&mut line.dice, 20)) * DAY;
        line.instant("abatementDateTime", abated);
    }
    line.instant("recordedDate", visit.start + 600);
    if line.dice.one_in(3) {
        line.open("recorder")
            .refer_practitioner(place.patient, place.nth)
            .close();
    }
    if line.dice.one_in(18) {
        line.list("note")
            .item()
            .text(
                "text",
                "Pt states \"it's fine\" \u{1F937}\nWill recheck in 2\u{2013}3 weeks; c:\\scan\\42.tif",
            )
            .close()
            .end();
    }
    line.finish()
}

fn diagnosis(practice: &Practice, place: Place) -> &'static Diagnosis {
    let visit = Visit::behind(practice, Kind::Condition, place);
    let table = visit.suitable(&DIAGNOSES, ALSO_CHILDREN);
    // Steps of thirteen through the table, so that a patient seldom has a diagnosis twice.
    let start = mix(practice.seed() ^ mix(place.patient));
    nth(table, (start >> 8) + place.nth * 13)
}

/// The diagnosis of a patient's n-th Condition, for what refers to it.
pub(super) fn code(practice: &Practice, place: Place) -> Coding {
    diagnosis(practice, place).snomed
}
