use super::*;

fn read(line: &str) -> Scan<'_> {
    scan(line.as_bytes()).unwrap_or_else(|reject| panic!("{reject}"))
}

fn code(line: impl AsRef<[u8]>) -> &'static str {
    scan(line.as_ref()).err().map_or("accepted", |reject| reject.code())
}

#[test]
fn it_reads_what_a_record_says_about_itself() {
    let found = read(
        r#" {"id":"a-1.B","meta":{"versionId":"3","lastUpdated":"2024-01-02T03:04:05Z","tag":[{"code":"x"},{"code":"SUBSETTED"}]},
            "resourceType":"Observation","status":"final","code":{"text":"é"},"subject":{"reference":"Patient/p9"}} "#,
    );
    assert_eq!(found.resource_type, "Observation");
    assert_eq!(found.id, "a-1.B");
    assert_eq!(found.last_updated, Some("2024-01-02T03:04:05Z"));
    assert!(found.subsetted);
    assert_eq!(found.patient, Some("p9"));
}

#[test]
fn the_patient_is_found_in_every_form_of_reference() {
    let patient = |members: &str| {
        let line = format!(r#"{{"resourceType":"Basic","id":"1",{members}}}"#);
        scan(line.as_bytes()).unwrap().patient.map(str::to_owned)
    };
    let is_p9 = Some("p9".to_owned());
    assert_eq!(patient(r#""patient":{"reference":"Patient/p9"}"#), is_p9);
    assert_eq!(patient(r#""patient":{"reference":"Patient\/p9"}"#), is_p9);
    assert_eq!(
        patient(r#""beneficiary":{"reference":"https://ehr.example/r4/Patient/p9/_history/2"}"#),
        is_p9
    );
    assert_eq!(
        patient(r#""subject":[{"reference":"Group/g"},{"reference":"Patient/p9"}]"#),
        is_p9
    );
    assert_eq!(
        patient(r#""patient":{"reference":"Patient/p1"},"subject":{"reference":"Patient/p9"}"#),
        is_p9
    );
    assert_eq!(
        patient(r#""target":[{"reference":"Observation/o"},{"reference":"Patient/p9"}]"#),
        is_p9
    );
    assert_eq!(patient(r#""subject":{"reference":"Group/p9"}"#), None);
    assert_eq!(patient(r##""subject":{"reference":"#Patient"}"##), None);
    assert_eq!(patient(r#""subject":{"display":"Patient/p9"}"#), None);
    assert_eq!(patient(r#""item":{"subject":{"reference":"Patient/p9"}}"#), None);
}

#[test]
fn a_line_that_is_no_record_is_refused_by_name() {
    assert_eq!(code(b"{\"resourceType\":\"Basic\",\"id\":\"\xff\"}"), "not-utf8");
    for line in [
        "",
        "  ",
        "hello",
        "{",
        r#"{"resourceType":"Basic","id":"1"} x"#,
        r#"{"resourceType":"Basic","id":"1"#,
        r#"{"a":01}"#,
    ] {
        assert_eq!(code(line), "not-json", "{line}");
    }
    for line in ["[]", "7", "\"x\"", "null", r#"[{"resourceType":"Basic"}]"#] {
        assert_eq!(code(line), "not-object", "{line}");
    }
    assert_eq!(code(r#"{"id":"1"}"#), "no-resource-type");
    assert_eq!(code(r#"{"resourceType":"patient","id":"1"}"#), "bad-resource-type");
    assert_eq!(code(r#"{"resourceType":["Basic"],"id":"1"}"#), "bad-resource-type");
    assert_eq!(code(r#"{"resourceType":"../x","id":"1"}"#), "bad-resource-type");
    assert_eq!(code(r#"{"resourceType":"Basic"}"#), "no-id");
    for id in [
        "1",
        r#""""#,
        r#""a b""#,
        r#""a/b""#,
        r#""..\/x""#,
        r#""é""#,
        r#""\u0061""#,
        "null",
    ] {
        assert_eq!(
            code(format!(r#"{{"resourceType":"Basic","id":{id}}}"#)),
            "bad-id",
            "{id}"
        );
    }
    assert_eq!(
        code(format!(r#"{{"resourceType":"Basic","id":"{}"}}"#, "a".repeat(65))),
        "bad-id"
    );
    assert_eq!(
        code(format!(r#"{{"resourceType":"Basic","id":"{}"}}"#, "a".repeat(64))),
        "accepted"
    );
}

#[test]
fn ambiguous_records_are_refused() {
    let with = |members: &str| code(format!(r#"{{"resourceType":"Basic","id":"1",{members}}}"#));
    assert_eq!(with(r#""id":"2""#), "duplicate");
    assert_eq!(with(r#""resourceType":"Patient""#), "duplicate");
    assert_eq!(with(r#""meta":{},"meta":{}"#), "duplicate");
    assert_eq!(with(r#""meta":{"lastUpdated":"a","lastUpdated":"b"}"#), "duplicate");
    assert_eq!(
        with(r#""subject":{"reference":"Patient/1"},"subject":{"reference":"Patient/2"}"#),
        "duplicate"
    );
    assert_eq!(
        with(r#""subject":{"reference":"Patient/1","reference":"Patient/2"}"#),
        "duplicate"
    );
    assert_eq!(with(r#""\u0069d":"2""#), "escaped-name");
    assert_eq!(with(r#""subject":{"reference":"\u0050atient/1"}"#), "escaped-value");
    assert_eq!(with(r#""text":{"div":"\ud83d"}"#), "lone-surrogate");
    assert_eq!(
        with(&format!(r#""extension":{}1{}"#, "[".repeat(127), "]".repeat(127))),
        "too-deep"
    );
    for meta in [
        "null",
        "[]",
        r#"{"lastUpdated":5}"#,
        r#"{"tag":null}"#,
        r#"{"tag":{}}"#,
        r#"{"tag":[null]}"#,
    ] {
        assert_eq!(with(&format!(r#""meta":{meta}"#)), "wrong-kind", "{meta}");
    }
}

#[test]
fn required_elements_are_demanded_wherever_the_type_stands() {
    let missing = |line: &str| match scan(line.as_bytes()) {
        Err(Reject::MissingElement { element, .. }) => Some(element.into_owned()),
        Err(other) => panic!("{other}"),
        Ok(_) => None,
    };
    assert_eq!(
        missing(r#"{"resourceType":"Observation","id":"1","status":"final"}"#),
        Some("code".into())
    );
    assert_eq!(
        missing(r#"{"status":"final","id":"1","resourceType":"Observation"}"#),
        Some("code".into())
    );
    assert_eq!(
        missing(r#"{"status":"final","code":{"text":"x"},"id":"1","resourceType":"Observation"}"#),
        None
    );
    assert_eq!(
        missing(r#"{"resourceType":"Observation","id":"1","_status":{"extension":[]},"code":{"text":"x"}}"#),
        None
    );
    for empty in ["null", "{}", "{ }", "[]", r#""""#] {
        let line = format!(r#"{{"resourceType":"Observation","id":"1","status":"final","code":{empty}}}"#);
        assert_eq!(missing(&line), Some("code".into()), "{empty}");
    }
    let request =
        r#"{"resourceType":"MedicationRequest","id":"1","status":"active","intent":"order","subject":{"display":"x"}"#;
    assert_eq!(missing(&format!("{request}}}")), Some("medication[x]".into()));
    assert_eq!(
        missing(&format!(
            r#"{request},"medicationReference":{{"reference":"Medication/1"}}}}"#
        )),
        None
    );
}

#[test]
fn every_content_of_a_document_needs_its_attachment() {
    let document = |content: &str| {
        code(format!(
            r#"{{"resourceType":"DocumentReference","id":"1","status":"current","content":{content}}}"#
        ))
    };
    assert_eq!(document(r#"[{"attachment":{"url":"Binary/1"}}]"#), "accepted");
    assert_eq!(
        document(r#"[{"attachment":{"url":"Binary/1"}},{"format":{}}]"#),
        "missing-element"
    );
    assert_eq!(document(r#"[{"attachment":{}}]"#), "missing-element");
    assert_eq!(document("[]"), "missing-element");
    assert_eq!(document(r#"{"attachment":{"url":"Binary/1"}}"#), "wrong-kind");
}

#[test]
fn a_reason_never_repeats_the_record() {
    let line = r#"{"resourceType":"Basic","id":"Jane Doe 1970"}"#;
    let reject = scan(line.as_bytes()).err().unwrap();
    let written = format!("{reject} {reject:?} {}", serde_json::to_string(&reject).unwrap());
    assert!(!written.contains("Jane"));
}

#[test]
fn a_reason_survives_storage() {
    let reject = scan(br#"{"resourceType":"Condition","id":"1"}"#).err().unwrap();
    let stored = serde_json::to_string(&reject).unwrap();
    assert_eq!(
        stored,
        r#"{"code":"missing-element","resource_type":"Condition","element":"subject"}"#
    );
    assert_eq!(serde_json::from_str::<Reject>(&stored).unwrap(), reject);
}

#[test]
fn every_element_that_leads_to_a_patient_has_its_own_place() {
    for (place, element) in super::PATIENT_ELEMENTS.iter().enumerate() {
        assert_eq!(super::patient_element(element), Some(place));
    }
    assert_eq!(super::patient_element("performer"), None);
}
