use super::*;

fn parse(body: &str) -> Result<Manifest, ManifestError> {
    let from: Url = "https://ehr.example/fhir/job?id=1".parse().unwrap();
    Manifest::parse(body.as_bytes(), &|address| from.join(address).ok())
}

#[test]
fn b60_to_b67_the_published_dialect() {
    let manifest = parse(
        r#"{"transactionTime":"2026-11-20T10:00:00.1234+05:30","request":"https://ehr.example/fhir/$export","requiresAccessToken":true,
            "outputOrganizedBy":"","output":[
              {"type":"Patient","url":"https://ehr.example/files/1","count":3},
              {"type":"Patient","url":"https://other.example/files/2","count":"4","continuesInFile":"https://other.example/files/3"}],
            "deleted":[{"type":"Bundle","url":"/files/d"}],
            "error":[{"type":"OperationOutcome","url":"e1","count":-1}],
            "extension":{"https://x":{"a":1}}}"#,
    )
    .unwrap();
    assert_eq!(
        manifest.transaction_time.as_deref(),
        Some("2026-11-20T10:00:00.1234+05:30"),
        "verbatim"
    );
    assert_eq!(
        (
            manifest.access,
            manifest.organized_by.as_deref(),
            manifest.next.as_ref()
        ),
        (Access::Token, None, None)
    );
    let files: Vec<_> = manifest
        .files
        .iter()
        .map(|file| (file.kind, file.url.as_str(), file.count))
        .collect();
    assert_eq!(
        files,
        [
            (FileKind::Output, "https://ehr.example/files/1", Some(3)),
            (FileKind::Output, "https://other.example/files/2", Some(4)),
            (FileKind::Deleted, "https://ehr.example/files/d", None),
            (FileKind::Outcome, "https://ehr.example/fhir/e1", None),
        ]
    );
    assert_eq!(
        manifest.files[1].continues_in.as_deref(),
        Some("https://other.example/files/3")
    );
    assert!(
        manifest.notes.is_empty() && manifest.raw.contains(r#""extension":{"https://x""#),
        "b68"
    );
}

#[test]
fn the_coming_dialect() {
    let manifest = parse(
        r#"{"manifestType":"export","transactionTime":"2026-11-20T10:00:00Z","requiresAccessToken":false,"outputOrganizedBy":"Patient",
            "output":[{"url":"https://e/1","fileSize":77}],"deleted":[{"url":"https://e/d"}],
            "outcome":[{"url":"https://e/o","countSeverity":[{"code":"error","count":1}]}],
            "extension":[{"url":"x"}],"link":[{"relation":"self","url":"https://e/m1"},{"relation":"next","url":"/m2"}]}"#,
    )
    .unwrap();
    assert_eq!(manifest.access, Access::NoToken);
    assert_eq!(manifest.organized_by.as_deref(), Some("Patient"));
    assert_eq!(
        (
            manifest.files[0].file_size,
            manifest.files[0].resource_type.as_deref()
        ),
        (Some(77), None)
    );
    assert_eq!(manifest.files[2].kind, FileKind::Outcome);
    assert_eq!(manifest.next.unwrap().as_str(), "https://ehr.example/m2");
}

#[test]
fn b61_the_access_rule_as_text_or_absent() {
    let access = |value: &str| {
        parse(&format!(
            r#"{{"transactionTime":"t","output":[],"requiresAccessToken":{value}}}"#
        ))
        .unwrap()
        .access
    };
    assert_eq!(
        (
            access("\"True\""),
            access("\"false\""),
            access("null"),
            access("1")
        ),
        (
            Access::Token,
            Access::NoToken,
            Access::Unknown,
            Access::Unknown
        )
    );
}

#[test]
fn what_is_odd_is_noted_and_the_rest_is_kept() {
    let manifest = parse(
        r#"{"output":[{"type":"Patient","url":"https://e/1?sig=a"},{"type":"Patient","url":"https://e/1?sig=a"},{"type":"Patient"},"nonsense",
            {"url":"https://e/2","extension":[{"url":"https://x/authorization-type"}]}],
            "error":[{"url":"https://e/1?sig=a"}],"link":[{"relation":"next"}]}"#,
    )
    .unwrap();
    assert_eq!(manifest.files.len(), 3);
    let notes: Vec<String> = manifest.notes.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(notes.join("\n"), @r#"
        the manifest does not say whether files need a token; it is sent to the EHR's own origin only
        the manifest has no transactionTime, so the next run cannot ask for changes only
        the manifest lists https://e/1?sig=... twice; it is fetched once
        entry 3 of "output" has no usable url, so its records cannot be fetched
        entry 4 of "output" has no usable url, so its records cannot be fetched
        entry 5 of "output" carries an authorization extension that is not understood
        the manifest names a next page, but its url is not usable
    "#);
}

#[test]
fn b63_no_files_at_all_is_a_manifest() {
    assert!(
        parse(r#"{"transactionTime":"t","output":[],"requiresAccessToken":false}"#)
            .unwrap()
            .files
            .is_empty()
    );
}

#[test]
fn what_is_no_manifest_is_said_in_the_servers_words() {
    for (body, expected) in [
        ("  \n", "it is empty"),
        ("<html><title>Login</title></html>", "web page \"Login\""),
        ("[]", "it has neither output nor transactionTime"),
        ("{\"output\":", "{\"output\":"),
        (
            r#"{"resourceType":"OperationOutcome","issue":[{"diagnostics":"no such job"}]}"#,
            "no such job",
        ),
    ] {
        assert_eq!(
            parse(body).unwrap_err(),
            ManifestError::NotAManifest(expected.to_owned())
        );
    }
    assert!(
        parse("  ")
            .unwrap_err()
            .hint()
            .unwrap()
            .contains("base address")
    );
}

#[test]
fn b52_pages_are_walked_once_each_and_circles_are_noticed() {
    let page = |next: &str| {
        parse(&format!(
            r#"{{"transactionTime":"t","output":[],"requiresAccessToken":true{next}}}"#
        ))
        .unwrap()
    };
    let to = |url: &str| page(&format!(r#","link":[{{"relation":"next","url":"{url}"}}]"#));
    let mut walk = PageWalk::from("https://e/1".parse().unwrap());
    assert_eq!(
        walk.after(&to("https://e/2")).unwrap().unwrap().as_str(),
        "https://e/2"
    );
    assert_eq!(
        walk.after(&to("https://e/3")).unwrap().unwrap().as_str(),
        "https://e/3"
    );
    assert_eq!(walk.clone().after(&page("")), Ok(None));
    assert_eq!(
        walk.after(&to("https://e/1")),
        Err(ManifestError::Loop {
            url: "https://e/1".to_owned()
        })
    );
}
