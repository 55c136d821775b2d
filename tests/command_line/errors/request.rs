//! An export that the EHR does not begin.

use crate::rig::{Rig, sandbox, smart};
use cutover::sandbox::SMART;

#[test]
fn a_group_that_is_not_there() {
    let ehr = smart();
    let rig = Rig::with_migration(&ehr.base_url, &["--group", "nobody"]);
    rig.register(&ehr, None);
    insta::assert_snapshot!("no_group", rig.run(&["run", "lakeside"]));
}

#[test]
fn a_kickoff_that_is_rejected() {
    let ehr = sandbox(&SMART, Some("kickoff-rejected:always"));
    let rig = Rig::with_migration(&ehr.base_url, &["--level", "system"]);
    rig.register(&ehr, None);
    insta::assert_snapshot!("kickoff_rejected", rig.run(&["run", "lakeside"]));
}

#[test]
fn a_group_that_was_never_said() {
    let ehr = smart();
    let rig = Rig::with_migration(&ehr.base_url, &[]);
    rig.register(&ehr, None);
    insta::assert_snapshot!("group_unknown", rig.run(&["run", "lakeside"]));
}
