//! A real FHIR server as the source: the Helios server's own `$export`, where it is installed
//! (`cargo install helios-hfs --version 0.2.7 --no-default-features --features R4,sqlite`).

use std::sync::Arc;
use std::time::Duration;

use cutover::engine::{self, Answer, Outcome, RunOptions};
use cutover::fhir;
use cutover::migration::{AuthMethod, ExportLevel, Plan};
use cutover::sandbox::Folder;

use crate::bench::{Bench, NAME, config};
use crate::clock::Impatient;
use crate::hfs_content::load;
use crate::hfs_server::{Server, program};
use crate::synthea::data;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_export_is_taken_in_whole_and_comes_back_as_it_was() {
    let (Some(program), Some(folder), Some(definitions)) = (program(), data("synthea-24"), data("hfs")) else {
        return;
    };
    let mut bench = Bench::new(config(Arc::new(Folder::open(&folder).unwrap()))).await;
    let source = bench.source();
    let server = Server::start(&program, bench.dir.path(), &definitions);
    load(&server.base, &source).await;
    bench.plan = Plan {
        auth: AuthMethod::None,
        level: ExportLevel::System,
        types: bench.dataset.types().into_iter().map(|(name, _)| name).collect(),
        poll_floor_s: 1,
        ..Plan::new(NAME, &server.base)
    };
    let command = engine::Command::Run(RunOptions::default());
    let running = engine::start_by(
        bench.storage(),
        bench.plan.clone(),
        command,
        Arc::new(Impatient::hurrying(100)),
    );
    let answer = tokio::time::timeout(Duration::from_secs(150), running.answer)
        .await
        .expect("it ends")
        .expect("an answer");
    assert!(matches!(answer, Ok(Answer::Run(Outcome::Done))), "{answer:?}");

    let counts = bench.counts();
    assert_eq!((counts.rows, counts.stored), (11_622, 11_622));
    assert!(bench.verification().clean());
    let exported = bench.exported();
    assert_eq!(exported.len(), source.len());
    for (name, line) in &exported {
        let hash = |line| fhir::canonical_hash(line, Some(&server.base)).expect("a record");
        assert_eq!(hash(line), hash(&source[name]), "{name}");
    }
}
