//! Evidence: reports in every form and the bundle, checked by somebody who has only the file; and the wipe after which only they are left.

use std::collections::BTreeMap;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use cutover::engine::check_evidence;
use cutover::sandbox::{RunningSandbox, SMART};

use crate::rig::{Rig, sandbox};

const COMMENT: &str = "asthma resolved in 2019 shows active";
const HOSTILE: &str = "<script>alert(1)</script><img src=http://evil.example/x> \u{202e}\u{1b}[2J";

/// Moved and verified, with last changes, and nothing judged.
fn moved() -> (RunningSandbox, Rig) {
    let ehr = sandbox(&SMART, Some("malformed-lines:2"));
    let rig = Rig::with_migration(&ehr.base_url, &["--level", "system", "--name", HOSTILE]);
    rig.register(&ehr, None);
    assert_eq!(rig.output(&["run", "lakeside"]).0, 0);
    assert_eq!(rig.output(&["run", "lakeside", "--since-last"]).0, 0);
    (ehr, rig)
}

/// Everything that is needed for the flip, and the flip.
fn go_over(rig: &Rig) {
    rig.must(&[
        "quarantine",
        "waive",
        "lakeside",
        "--all",
        "--why",
        HOSTILE,
        "--who",
        HOSTILE,
    ]);
    let (_, charts) = rig.json(&["sample", "list", "lakeside", "--json"]);
    for chart in 1..=charts.as_array().unwrap().len() {
        rig.must(&["sample", "pass", "lakeside", &chart.to_string(), "--comment", COMMENT]);
    }
    rig.must(&["sign-off", "lakeside", "--as", "technical", "--name", "Mo Okafor"]);
    rig.must(&["sign-off", "lakeside", "--as", "clinical", "--name", "Ann Mori"]);
    rig.must(&["flip", "lakeside", "--confirm", "lakeside"]);
}

/// What tells who a patient is: ids, family names, and what was said of a chart.
fn tellers(rig: &Rig) -> Vec<String> {
    let (_, charts) = rig.json(&["sample", "list", "lakeside", "--json"]);
    let charts = charts.as_array().unwrap();
    let mut tellers = vec![COMMENT.to_owned()];
    tellers.extend(charts.iter().map(|chart| chart["patient"].as_str().unwrap().to_owned()));
    for chart in 1..=charts.len() {
        let (_, text) = rig.output(&["sample", "show", "lakeside", &chart.to_string()]);
        let name = text.lines().find(|line| line.contains("family")).unwrap_or_default();
        tellers.extend(
            name.split(':')
                .next_back()
                .map(|name| name.trim().to_owned())
                .filter(|name| name.len() > 5),
        );
    }
    tellers
}

/// The parts of a bundle.
fn unpacked(bundle: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut archive = tar::Archive::new(zstd::Decoder::new(bundle).unwrap());
    let parts = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let name = entry.path().unwrap().display().to_string();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        (name, bytes)
    });
    parts.collect()
}

fn contains(bytes: &[u8], text: &str) -> bool {
    memchr::memmem::find(bytes, text.as_bytes()).is_some()
}

/// The evidence in every form, written to files.
fn written(rig: &Rig) -> Vec<(String, Vec<u8>)> {
    for format in ["text", "json", "html"] {
        let out = rig.path(&format!("report.{format}"));
        rig.must(&["report", "lakeside", "--format", format, "--out", &out]);
    }
    rig.must(&["report", "lakeside", "--bundle", &rig.path("lakeside.tar.zst")]);
    let names = ["report.text", "report.json", "report.html", "lakeside.tar.zst"];
    let files = names.map(|name| rig.path(name));
    for file in &files {
        assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    files.map(|file| (file.clone(), std::fs::read(file).unwrap())).into()
}

#[test]
fn evidence_is_checked_with_nothing_but_the_file_and_tells_of_no_patient() {
    let (_ehr, rig) = moved();
    rig.must(&["verify", "lakeside", "--source"]);
    go_over(&rig);
    let files = written(&rig);
    // Another machine: no workspace, no passphrase.
    let elsewhere = Rig::new();
    for (file, bytes) in &files {
        let told = elsewhere.command(&["report", "--check", file]).output().unwrap();
        let told = String::from_utf8(told.stdout).unwrap();
        assert!(
            told.contains("ok       signature") && told.contains("compare its thumbprint"),
            "{told}"
        );
        let journal = file.ends_with("json") || file.ends_with("zst");
        assert_eq!(told.contains("clinical by Ann Mori"), journal, "{told}");
        // A changed byte, wherever it is.
        let mut at = 7;
        for _ in 0..150 {
            at = (at * 48_271 + 11) % 2_147_483_647;
            let mut changed = bytes.clone();
            let place = at % changed.len();
            changed[place] ^= 1 << (at % 8);
            assert!(check_evidence(&changed, None).is_err(), "{file} at {place}");
        }
    }
    let other = elsewhere.bare(&["report", "--check", &files[3].0, "--key", "somebody-else"]);
    assert!(other.contains("another key") && other.ends_with("[exit 1]"), "{other}");
    let none = elsewhere.bare(&["report", "--check", &rig.path("nothing")]);
    assert!(none.contains("No such file") && none.ends_with("[exit 1]"), "{none}");

    let parts = unpacked(&files[3].1);
    assert_eq!(parts.len(), 12);
    rig.must(&["report", "lakeside", "--bundle", &rig.path("again.tar.zst")]);
    let again = unpacked(&std::fs::read(rig.path("again.tar.zst")).unwrap());
    for (name, bytes) in &parts {
        // A signature of this kind is another each time; everything else is the same.
        let signed = name.starts_with("report") || name == "SHA256SUMS";
        assert!(signed || again[name] == *bytes, "{name}");
        assert!(
            !bytes.is_empty() || name == "findings.ndjson" || name == "decisions.ndjson",
            "{name}"
        );
    }
    let mut all: Vec<&[u8]> = parts.values().map(Vec::as_slice).collect();
    all.extend(files.iter().map(|(_, bytes)| bytes.as_slice()));
    for teller in tellers(&rig) {
        assert!(!all.iter().any(|bytes| contains(bytes, &teller)), "{teller}");
    }
    let told = rig.output(&["report", "lakeside", "--format", "html", "--with-phi"]).1;
    assert!(told.contains(COMMENT) && told.contains("CONTAINS PATIENTS' DATA"));
    // The page loads nothing, runs nothing, and shows hostile text as text.
    let page = String::from_utf8(files[2].1.clone()).unwrap();
    for live in [
        "<script", "<img", "<link", "<iframe", "src=\"", "href=\"", "url(", "@import", "\u{202e}", "\u{1b}",
    ] {
        assert!(!page.contains(live), "{live}");
    }
    assert!(page.contains("default-src 'none'") && page.contains("&lt;script&gt;alert(1)"));
    assert!(page.contains("<svg") && page.contains("@media print"));
    for section in [
        "Every record in one state",
        "Compared as lists for",
        "Read again at the source",
    ] {
        assert!(page.contains(section), "{section}");
    }
    let text = String::from_utf8(files[0].1.clone()).unwrap();
    assert!(text.contains("Lists of ") && text.contains("Read again at the source"));
}

#[test]
fn an_override_stands_in_red_in_every_form() {
    let (_ehr, rig) = moved();
    rig.must(&[
        "flip",
        "lakeside",
        "--confirm",
        "lakeside",
        "--override",
        "the lease ends today",
    ]);
    let files = written(&rig);
    let text = |at: usize| String::from_utf8(files[at].1.clone()).unwrap();
    assert!(text(0).contains("OVERRIDDEN: the lease ends today"));
    assert!(text(1).contains("\"overridden\":\"the lease ends today\""));
    let page = text(2);
    assert!(page.contains("<div class=\"alarm\" role=\"alert\">") && page.contains("the lease ends today"));
    assert!(page.contains("Clinical sign-off: missing") && page.contains("class=\"stand bad\""));
    for file in [&files[1].0, &files[3].0] {
        let told = rig.command(&["report", "--check", file]).output().unwrap();
        let told = String::from_utf8(told.stdout).unwrap();
        assert!(
            told.contains("OVERRIDDEN") && told.contains("the lease ends today"),
            "{told}"
        );
    }
    // What is not as it should be is not destroyed.
    let refused = rig.run(&["wipe", "lakeside", "--copy", "anywhere"]);
    assert!(
        refused.contains("not everything was so") && refused.ends_with("[exit 1]"),
        "{refused}"
    );
}

#[test]
fn without_a_key_it_is_not_signed_and_says_so() {
    let rig = Rig::new();
    rig.must(&["migration", "add", "lakeside", "--base-url", "http://127.0.0.1:9/fhir"]);
    let out = rig.path("report.html");
    rig.must(&["report", "lakeside", "--format", "html", "--out", &out]);
    assert!(
        std::fs::read_to_string(&out)
            .unwrap()
            .contains("This page is not signed")
    );
    insta::assert_snapshot!(rig.bare(&["report", "--check", &out]));
}

fn flip_a_letter(file: &Path) {
    let mut bytes = std::fs::read(file).unwrap();
    let at = memchr::memmem::find(&bytes, b"\"family\":").unwrap();
    bytes[at + 6] = b'e';
    std::fs::write(file, bytes).unwrap();
}

#[test]
fn a_wipe_leaves_evidence_and_destroys_nothing_that_is_nowhere_else() {
    let (_ehr, rig) = moved();
    let copy = rig.path("copy");
    let refused = |args: &[&str], why: &str| {
        let text = rig.run(args);
        assert!(
            text.contains(why) && text.contains("hint: ") && text.ends_with("[exit 1]"),
            "{text}"
        );
    };
    refused(&["wipe", "lakeside", "--copy", &copy], "has not gone over");
    go_over(&rig);
    refused(&["wipe", "lakeside", "--copy", &copy], "there is no folder");
    rig.must(&["store", "export", "--tenant", "lakeside", &copy]);
    refused(
        &["wipe", "lakeside", "--copy", &format!("elsewhere={copy}")],
        "the only copy of what is stored",
    );
    let inside = rig.path("workspace/reports");
    refused(&["wipe", "lakeside", "--copy", &inside], "is in the workspace");
    let patients = Path::new(&copy).join("Patient.ndjson");
    let whole = std::fs::read(&patients).unwrap();
    flip_a_letter(&patients);
    refused(
        &["wipe", "lakeside", "--copy", &copy],
        "as many records, but not the same",
    );
    std::fs::write(&patients, &whole[..whole.len() / 2]).unwrap();
    refused(
        &["wipe", "lakeside", "--copy", &copy],
        "holds something that is no record",
    );
    std::fs::write(&patients, b"").unwrap();
    refused(&["wipe", "lakeside", "--copy", &copy], "0 of ");
    std::fs::write(&patients, &whole).unwrap();
    let other = rig.run(&["wipe", "lakeside", "--copy", &copy, "--confirm", "riverside"]);
    assert!(other.ends_with("[exit 2]"), "{other}");

    let (code, told) = rig.output(&["wipe", "lakeside", "--copy", &copy]);
    assert!(
        code == 0 && told.contains("Nothing was destroyed") && told.contains("rows set aside"),
        "{told}"
    );
    let hash = rig.output(&["store", "hash", "--tenant", "lakeside"]).1;
    assert!(told.contains(hash.trim()), "{told}");
    let (code, told) = rig.output(&["wipe", "lakeside", "--copy", &copy, "--confirm", "lakeside"]);
    assert!(
        code == 0 && told.contains("The key of the workspace is destroyed"),
        "{told}"
    );

    let workspace = rig.folder.path().join("workspace");
    for gone in [
        "ledger",
        "landing",
        "index",
        "keys/vault.json",
        "keys/lakeside.key",
        "logs",
    ] {
        assert!(!workspace.join(gone).exists(), "{gone}");
    }
    let bundle = std::fs::read_dir(workspace.join("reports"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|end| end == "zst"))
        .unwrap();
    rig.must(&["report", "--check", &bundle.display().to_string()]);
    let journal = String::from_utf8(unpacked(&std::fs::read(&bundle).unwrap())["journal.ndjson"].clone()).unwrap();
    assert!(journal.lines().last().unwrap().contains("wipe_begun") && journal.contains(hash.trim()));
    for after in [
        &["status"][..],
        &["report", "lakeside"],
        &["migration", "add", "new", "--base-url", "http://127.0.0.1:9"],
    ] {
        refused(after, "was wiped on");
    }
}
