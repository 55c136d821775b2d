use super::tests::{full, group, session, strings};
use super::*;
use crate::migration::Repeat;
use crate::source::kickoff_request::Edition;

#[test]
fn b10_b14_b15_a_get_is_shown_as_it_will_be_sent() {
    insta::assert_snapshot!(group().preview(&session()), @"
        GET /fhir/r4/ABCDEF/Group/f0eea0a7-0793%2F49/$export?_type=Patient,Condition&_since=2026-01-02T03:04:05%2B01:00 HTTP/1.1
        host: ehr.example
        accept: application/fhir+json
        prefer: respond-async
    ");
}

#[test]
fn b28_a_comma_inside_a_filter_is_not_one_between_filters() {
    insta::assert_snapshot!(full().preview(&session()), @"
        GET /fhir/r4/ABCDEF/Group/f0eea0a7-0793%2F49/$export?_type=Patient,Condition&_since=2026-01-02T03:04:05%2B01:00&_until=2026-02-01T00:00:00Z&_typeFilter=Condition%3Fclinical-status%3Dactive%252Crecurrence,Patient%3Factive%3Dtrue&_elements=Patient.name,id&includeAssociatedData=LatestProvenanceResources&organizeOutputBy=Patient&allowPartialManifests=true&_outputFormat=application/fhir%2Bndjson HTTP/1.1
        host: ehr.example
        accept: application/fhir+json
        prefer: respond-async, handling=lenient, separate-export-status
    ");
    let repeated = KickoffRequest {
        repeat: Repeat::Repeat,
        ..group()
    };
    assert!(repeated.preview(&session()).contains("?_type=Patient&_type=Condition&"));
}

#[test]
fn b11_b12_b13_a_post_repeats_entries_and_never_joins_values() {
    let request = KickoffRequest {
        method: KickoffMethod::Post,
        patients: strings(&["Patient/p1", "p2"]),
        ..full()
    };
    insta::assert_snapshot!(request.preview(&session()), @r#"
        POST /fhir/r4/ABCDEF/Group/f0eea0a7-0793%2F49/$export HTTP/1.1
        host: ehr.example
        accept: application/fhir+json
        prefer: respond-async, handling=lenient, separate-export-status
        content-type: application/fhir+json

        {"resourceType":"Parameters","parameter":[{"name":"_type","valueString":"Patient"},{"name":"_type","valueString":"Condition"},{"name":"_since","valueInstant":"2026-01-02T03:04:05+01:00"},{"name":"_until","valueInstant":"2026-02-01T00:00:00Z"},{"name":"_typeFilter","valueString":"Condition?clinical-status=active,recurrence"},{"name":"_typeFilter","valueString":"Patient?active=true"},{"name":"_elements","valueString":"Patient.name"},{"name":"_elements","valueString":"id"},{"name":"organizeOutputBy","valueString":"Patient"},{"name":"_outputFormat","valueString":"application/fhir+ndjson"},{"name":"patient","valueReference":{"reference":"Patient/p1"}},{"name":"patient","valueReference":{"reference":"Patient/p2"}},{"name":"includeAssociatedData","valueCode":"LatestProvenanceResources"},{"name":"allowPartialManifests","valueBoolean":true}]}
    "#);
    let fourth = KickoffRequest {
        edition: Edition::Fourth,
        ..request
    };
    assert!(
        fourth
            .preview(&session())
            .contains(r#"{"name":"includeAssociatedData","valueCoding":{"code":"LatestProvenanceResources"}}"#)
    );
}

#[test]
fn a29_debug_output_names_no_patient() {
    let request = KickoffRequest {
        patients: strings(&["p1"]),
        type_filters: strings(&["Patient?identifier=MRN7"]),
        ..group()
    };
    let shown = format!("{request:?}");
    assert!(!shown.contains("p1") && !shown.contains("MRN7"), "{shown}");
}
