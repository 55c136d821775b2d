use super::Policy::{Ask, KeepSource, KeepTarget, NewerWins, OlderWins};
use super::Winner::{Source, Target, Undecided};
use super::*;

const OLD: &str = "2024-01-01T00:00:00Z";
const MIDDLE: &str = "2024-01-02T00:00:00+05:00";
const NEW: &str = "2024-01-02T00:00:00Z";

/// A version from words: stamps, dates of the content, times of the export; anything else is a status.
fn version(words: &str) -> Version {
    let mut version = Version::default();
    let dated = |element: &str, date: &str| {
        Some(ClinicalDate {
            element: element.into(),
            date: date.into(),
        })
    };
    for word in words.split_whitespace() {
        match word {
            "old" => version.last_updated = Some(OLD.into()),
            "middle" => version.last_updated = Some(MIDDLE.into()),
            "new" => version.last_updated = Some(NEW.into()),
            "issued-old" => version.clinical_date = dated("issued", OLD),
            "issued-new" => version.clinical_date = dated("issued", NEW),
            "effective-new" => version.clinical_date = dated("effectiveDateTime", NEW),
            "export-old" => version.transaction_time = Some(OLD.into()),
            "export-new" => version.transaction_time = Some(NEW.into()),
            "subsetted" => version.subsetted = true,
            status => version.status = Some(status.into()),
        }
    }
    version
}

fn at_target(words: &str, origin: Origin) -> TargetVersion {
    TargetVersion {
        version: version(words),
        origin,
    }
}

fn theirs(words: &str) -> TargetVersion {
    at_target(words, Origin::Theirs)
}

fn ours(words: &str) -> TargetVersion {
    let recorded = Some(OLD.into());
    at_target(words, Origin::Ours { recorded })
}

fn edited(words: &str) -> TargetVersion {
    let recorded = Some(OLD.into());
    at_target(words, Origin::EditedSince { recorded })
}

#[track_caller]
fn check(policy: Policy, source: &str, target: &TargetVersion, winner: Winner, rule: Rule) {
    let decided = decide(policy, &version(source), target);
    assert_eq!(decided, Decision { winner, rule }, "{policy} {source} {target:?}");
}

#[test]
fn a_policy_that_names_a_side_needs_no_rule() {
    check(Ask, "new", &theirs("old"), Undecided, Rule::Policy);
    check(Ask, "subsetted", &theirs(""), Undecided, Rule::Policy);
    check(KeepSource, "old", &theirs("new"), Source, Rule::Policy);
    check(KeepTarget, "new", &theirs("old"), Target, Rule::Policy);
    check(KeepTarget, "new", &theirs("subsetted"), Target, Rule::Policy);
}

#[test]
fn an_incomplete_version_never_replaces_a_whole_one() {
    check(NewerWins, "new subsetted", &theirs("old"), Target, Rule::Subsetted);
    check(OlderWins, "old subsetted", &theirs("new"), Target, Rule::Subsetted);
    check(KeepSource, "new subsetted", &theirs("old"), Target, Rule::Subsetted);
    check(NewerWins, "old", &theirs("new subsetted"), Source, Rule::Subsetted);
    check(
        NewerWins,
        "new subsetted",
        &theirs("old subsetted"),
        Source,
        Rule::LastUpdated,
    );
}

#[test]
fn stamps_are_compared_as_instants() {
    check(NewerWins, "new", &theirs("old"), Source, Rule::LastUpdated);
    check(NewerWins, "old", &theirs("new"), Target, Rule::LastUpdated);
    check(NewerWins, "new", &theirs("middle"), Source, Rule::LastUpdated);
    check(OlderWins, "new", &theirs("old"), Target, Rule::LastUpdated);
    check(OlderWins, "old", &theirs("new"), Source, Rule::LastUpdated);
}

#[test]
fn the_stamp_of_our_own_writing_does_not_count() {
    check(NewerWins, "middle", &ours("new"), Source, Rule::LastUpdated);
    check(OlderWins, "middle", &ours("new"), Target, Rule::LastUpdated);
    check(NewerWins, "old", &ours("new"), Undecided, Rule::Nothing);
}

#[test]
fn an_edit_at_the_target_is_not_lost() {
    check(NewerWins, "old", &edited("new"), Target, Rule::TargetEdited);
    check(NewerWins, "middle", &edited("new"), Undecided, Rule::BothChanged);
    check(NewerWins, "new", &edited("middle"), Undecided, Rule::BothChanged);
    check(
        NewerWins,
        "issued-new",
        &edited("issued-old"),
        Undecided,
        Rule::BothChanged,
    );
    check(
        NewerWins,
        "new entered-in-error",
        &edited("final"),
        Undecided,
        Rule::BothChanged,
    );
}

#[test]
fn what_the_source_withdrew_is_updated() {
    check(
        NewerWins,
        "entered-in-error",
        &theirs("new final"),
        Source,
        Rule::EnteredInError,
    );
    check(
        NewerWins,
        "old entered-in-error",
        &ours("new final"),
        Source,
        Rule::EnteredInError,
    );
    let also_withdrawn = theirs("new entered-in-error");
    check(
        NewerWins,
        "old entered-in-error",
        &also_withdrawn,
        Target,
        Rule::LastUpdated,
    );
    check(NewerWins, "old final", &also_withdrawn, Target, Rule::LastUpdated);
}

#[test]
fn without_stamps_the_content_tells() {
    check(
        NewerWins,
        "issued-new",
        &theirs("new issued-old"),
        Source,
        Rule::ClinicalDate,
    );
    check(
        NewerWins,
        "old issued-old",
        &theirs("old issued-new"),
        Target,
        Rule::ClinicalDate,
    );
    check(
        OlderWins,
        "old issued-old",
        &theirs("old issued-new"),
        Source,
        Rule::ClinicalDate,
    );
    check(
        NewerWins,
        "issued-old",
        &theirs("effective-new"),
        Undecided,
        Rule::Nothing,
    );
    check(
        NewerWins,
        "export-new",
        &ours("export-old"),
        Source,
        Rule::TransactionTime,
    );
    check(
        NewerWins,
        "issued-new export-old",
        &ours("issued-old export-new"),
        Source,
        Rule::ClinicalDate,
    );
    check(NewerWins, "final", &theirs("preliminary"), Source, Rule::Status);
    check(NewerWins, "preliminary", &theirs("amended"), Target, Rule::Status);
    check(OlderWins, "final", &theirs("preliminary"), Source, Rule::Status);
    check(NewerWins, "final", &theirs("amended"), Undecided, Rule::Nothing);
    check(NewerWins, "", &theirs(""), Undecided, Rule::Nothing);
}

#[test]
fn a_version_is_read_from_a_record() {
    let line = br#"{"resourceType":"Observation","id":"1","status":"final","code":{"text":"x"},
        "meta":{"lastUpdated":"2024-01-01T00:00:00Z","tag":[{"code":"SUBSETTED"}]},"issued":"2024-01-02T00:00:00Z"}"#;
    let mut expected = version("old issued-new final subsetted");
    expected.transaction_time = Some(MIDDLE.into());
    assert_eq!(Version::read(line, Some(MIDDLE)), Some(expected));
    assert_eq!(Version::read(b"{}", None), None);
}

#[test]
fn a_rule_is_stored_by_its_name() {
    for rule in [Rule::Policy, Rule::BothChanged, Rule::LastUpdated, Rule::Nothing] {
        assert_eq!(serde_json::to_string(&rule).unwrap(), format!("\"{}\"", rule.name()));
    }
}
