use super::*;

fn ecw() -> Preset {
    Preset::load("eclinicalworks", None).unwrap()
}

fn types(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

#[test]
fn every_embedded_preset_can_be_read_and_says_where_it_is_from() {
    let all = Preset::all(None).unwrap();
    let ids: Vec<&str> = all.iter().map(|preset| preset.id.as_str()).collect();
    assert_eq!(
        ids,
        [
            "advancedmd",
            "athenahealth",
            "eclinicalworks",
            "epic",
            "hapi",
            "kareo",
            "medplum",
            "nextgen-office",
            "oracle-health",
            "smart",
            "smart-reference",
            "veradigm"
        ]
    );
    for preset in all {
        assert!(
            !preset.sources.is_empty() && preset.last_verified.starts_with("2026-"),
            "{}",
            preset.id
        );
        assert!(preset.confidence("overall").is_some(), "{}", preset.id);
    }
}

#[test]
fn eclinicalworks_demands_the_group_scope_and_takes_no_wildcard() {
    assert_eq!(
        ecw().scopes(&types(&["Patient", "Group"])),
        "system/Group.read system/Patient.read"
    );
    let everything = ecw().scopes(&[]);
    assert!(
        everything.starts_with("system/Group.read system/AllergyIntolerance.read "),
        "{everything}"
    );
    assert!(!everything.contains('*'));
}

#[test]
fn scopes_are_spelled_the_way_the_server_reads_them() {
    let mut preset = Preset::load("smart", None).unwrap();
    assert_eq!(preset.scopes(&[]), "system/*.read");
    preset.scopes.style = ScopeStyle::V2;
    assert_eq!(preset.scopes(&types(&["Patient"])), "system/Patient.rs");
    assert_eq!(Preset::load("epic", None).unwrap().scopes(&types(&["Patient"])), "");
}

#[test]
fn the_practice_code_goes_into_the_address_and_nowhere_else() {
    let environment = ecw().environment.production.unwrap();
    let filled = environment.filled(Some("FACGCD")).unwrap();
    assert_eq!(
        filled.base_url.as_deref(),
        Some("https://fhir4.eclinicalworks.com/fhir/r4/FACGCD")
    );
    assert!(matches!(environment.filled(None), Err(PresetError::NoPractice { .. })));
    for code in ["", "..", "A/../B", "A?x=y", "A@evil.example", "é"] {
        assert!(
            matches!(environment.filled(Some(code)), Err(PresetError::BadPractice { .. })),
            "{code}"
        );
    }
    let sandbox = ecw().environment.sandbox.unwrap().filled(None).unwrap();
    assert_eq!(
        sandbox.base_url.as_deref(),
        Some("https://staging-fhir.ecwcloud.com/fhir/r4/FFBJCD")
    );
}

#[test]
fn a_field_is_as_sure_as_its_own_mark_or_the_table_around_it() {
    assert_eq!(ecw().confidence("export.types"), Some(Confidence::Low));
    assert_eq!(ecw().confidence("export.levels"), Some(Confidence::High));
    let kareo = Preset::load("kareo", None).unwrap();
    assert_eq!(kareo.confidence("auth.methods"), Some(Confidence::Low));
}

#[test]
fn an_unknown_preset_names_those_there_are_and_the_one_meant() {
    let nearest = |id: &str| match Preset::load(id, None) {
        Err(error @ PresetError::Unknown { .. }) => error.hint().unwrap(),
        other => panic!("{other:?}"),
    };
    assert!(nearest("eclinicalwork").starts_with("did you mean eclinicalworks? presets: advancedmd, "));
    assert!(nearest("tebbra").starts_with("did you mean kareo? "));
    assert!(nearest("something-else").starts_with("presets: "));
    assert_eq!(Preset::load("eCW", None).unwrap().id, "eclinicalworks");
    assert_eq!(Preset::load("cerner", None).unwrap().id, "oracle-health");
}

#[test]
fn a_folder_replaces_and_joins_the_embedded_presets() {
    let folder = tempfile::tempdir().unwrap();
    let minimal = "label = \"Ours\"\nlast_verified = \"2026-11\"\nsources = []\n[confidence]\noverall = \"low\"\n";
    std::fs::write(folder.path().join("kareo.toml"), minimal).unwrap();
    std::fs::write(folder.path().join("ours.toml"), minimal).unwrap();
    std::fs::write(folder.path().join("readme.txt"), "not a preset").unwrap();
    assert_eq!(Preset::load("kareo", Some(folder.path())).unwrap().label, "Ours");
    assert_eq!(Preset::load("ours", Some(folder.path())).unwrap().id, "ours");
    assert_eq!(Preset::load("epic", Some(folder.path())).unwrap().label, "Epic");
    assert_eq!(Preset::all(Some(folder.path())).unwrap().len(), 13);
    assert_eq!(Preset::all(Some(&folder.path().join("absent"))).unwrap().len(), 12);
}

#[test]
fn a_wrong_field_is_named_with_its_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    let write = |extra: &str| {
        let text = format!("label = \"Ours\"\nlast_verified = \"2026-11\"\nsources = []\n{extra}");
        std::fs::write(folder.path().join("ours.toml"), text).unwrap();
        Preset::load("ours", Some(folder.path())).unwrap_err().to_string()
    };
    let error = write("[export]\nlevles = [\"group\"]\n[confidence]\noverall = \"low\"\n");
    assert!(
        error.contains("ours.toml is not valid at line 5: unknown field `levles`"),
        "{error}"
    );
    let error = write("[confidence]\noverall = \"low\"\n\"export.levels\" = \"high\"\n");
    assert!(error.contains("confidence names the field export.levels"), "{error}");
    let error = write("[confidence]\n\"export.levels\" = \"high\"\n");
    assert!(error.contains("confidence has no overall"), "{error}");
}

#[test]
fn a_practice_code_is_found_in_the_address_that_was_made_with_it() {
    for preset in Preset::all(None).unwrap() {
        for environment in [preset.environment.production, preset.environment.sandbox]
            .into_iter()
            .flatten()
        {
            let Ok(filled) = environment.filled(Some("FACGCD")) else {
                continue;
            };
            let Some(base_url) = filled.base_url else { continue };
            let code = environment.practice_in(&base_url).unwrap();
            assert!(code == "FACGCD" || code.is_empty(), "{base_url}");
            assert_eq!(
                environment.practice_in("https://elsewhere.example/fhir/r4/FACGCD"),
                None
            );
        }
    }
}
