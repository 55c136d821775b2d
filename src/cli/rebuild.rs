//! `doctor --rebuild-index`: the resource index made anew.

use super::args::WorkspaceArgs;
use super::failure::Failure;
use super::{open, output};
use crate::engine::{Rebuilt, rebuild_index};

/// Makes the index anew and says what came of it; `quiet` where only JSON is wanted.
pub fn rebuild(workspace: &WorkspaceArgs, quiet: bool) -> Result<(), Failure> {
    let storage = open::open_with_new_index(workspace, "doctor")?;
    let Rebuilt {
        records,
        vouched,
        groundless,
    } = rebuild_index(&storage, &mut |_| {})?;
    if !quiet {
        output::say(&format!(
            "The index was made anew: {records} records; {vouched} were vouched for before."
        ));
        if groundless > 0 {
            output::say(&format!(
                "{groundless} decisions had nothing to stand on any more and were taken back: `cutover conflicts` shows what is open."
            ));
        }
    }
    Ok(())
}
