//! A record that the new store does not have as it was received: found, looked at, taken in once more, and signed for.

use std::sync::Arc;

use cutover::engine::EngineError;
use cutover::store::{Entry, Secret, Storage, Workspace};
use cutover::target::EmbeddedStore;

use super::hang_up::wizard;
use super::pty::Pty;
use super::rig::Rig;
use super::walk::{ask, judge, sign_and_flip};
use super::{ENTER, ESC};

const DOWN: &str = "\x1b[B";

/// Has the store say of a problem that is resolved that it is active.
fn alter(rig: &Rig) {
    let workspace = Workspace::open(&rig.home(), &Secret::KeyFile(rig.key()), "test").unwrap();
    let storage = Arc::new(Storage::open(workspace).unwrap());
    let store = EmbeddedStore::new(Arc::clone(&storage));
    let (resolved, active) = ("\"code\":\"resolved\"", "\"code\":\"active\"");
    let entries = store.entries("lakeside", Some("Condition")).unwrap();
    let found = entries.map(|(_, entry)| (entry, String::from_utf8(storage.bytes(&entry).unwrap()).unwrap()));
    let (entry, line) = found.into_iter().find(|(_, line)| line.contains(resolved)).unwrap();
    let record: serde_json::Value = serde_json::from_str(&line).unwrap();
    let tenant = storage.names.tenant("lakeside").unwrap();
    let key = storage
        .key(tenant, "Condition", record["id"].as_str().unwrap())
        .unwrap();
    let mut writer = storage.writer(entry.row.run).unwrap();
    let location = writer.change(line.replace(resolved, active).as_bytes()).unwrap();
    writer
        .checkpoint(|tails| {
            storage.put_tails(tails)?;
            storage.workspace.ledger().durable().map_err(EngineError::from)
        })
        .unwrap();
    let entry = Entry {
        location,
        rewritten: true,
        ..entry
    };
    storage.index.rewrite(&[(key, vec![entry])]).unwrap();
}

/// The chosen check is the one of records.
fn choose_records(pty: &mut Pty) {
    for _ in 0..3 {
        if pty.contents().contains("> Every record as received") {
            return;
        }
        let before = pty.contents();
        pty.press(DOWN);
        pty.until("another check is chosen", |screen| screen.contents() != before);
    }
    panic!("{}", pty.contents());
}

#[test]
fn a_finding_is_repaired_from_what_was_received_and_then_the_practice_goes_over() {
    let rig = Rig::new();
    rig.let_go();
    for run in [&["run", "lakeside"][..], &["run", "lakeside", "--since-last"]] {
        assert!(rig.command(run).status.success());
    }
    alter(&rig);
    let mut pty = wizard(&rig);
    pty.press(ENTER);
    pty.says("home");
    pty.press("7");
    pty.says("r verify again");
    pty.press("r");
    pty.says("mismatched");
    pty.press("8");
    pty.says("1 finding");
    pty.press("7");
    pty.says("mismatched");
    choose_records(&mut pty);
    pty.press(ENTER);
    pty.says("> status-changed");
    pty.press(ENTER);
    pty.says("Condition/");
    pty.says("here");
    pty.press(ESC);
    ask(&mut pty, "r", "Why is this record taken in once more?");
    pty.press("the old system says resolved\r");
    pty.says("taken in once more");
    pty.press(ESC);
    // Verified again, one chart failed and then passed with all the others.
    judge(&mut pty);
    sign_and_flip(&mut pty);
    pty.press("\x03");
    assert!(pty.end().success() && pty.given_back());
    let told = rig.command(&["report", "lakeside"]).stdout;
    let told = String::from_utf8(told).unwrap();
    assert!(told.contains("findings: 0"), "{told}");
}
