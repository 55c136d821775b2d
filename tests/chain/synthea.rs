//! Real files: the synthetic practice of 24 patients that Synthea made.

use std::path::PathBuf;
use std::sync::Arc;

use cutover::sandbox::Folder;

use crate::bench::{Bench, config};

/// A folder of the test data, if it is there.
pub fn data(name: &str) -> Option<PathBuf> {
    let data = std::env::var_os("CUTOVER_TEST_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data"),
        PathBuf::from,
    );
    let folder = data.join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!(
        "SKIPPED: {} is not there; CUTOVER_TEST_DATA names the folder above it",
        folder.display()
    );
    None
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_rows_are_accounted_for_and_come_back_as_they_were() {
    let Some(folder) = data("synthea-24") else { return };
    let mut bench = Bench::new(config(Arc::new(Folder::open(&folder).unwrap()))).await;
    bench.done().await;
    bench.assert_faithful();
    let counts = bench.counts();
    assert_eq!((counts.rows, counts.stored), (11_622, 11_622));
    let verification = bench.verification();
    assert!(verification.clean() && verification.compared == 11_622 && verification.samples > 0);
}
