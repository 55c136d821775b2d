//! The source: records that change from run to run, and how they come in.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{mpsc, watch};

use super::world::{BASE, BORN};
use crate::engine::committer::Committer;
use crate::engine::landing::{Landing, Mark};
use crate::engine::pipeline::Pipeline;
use crate::engine::place::Placer;
use crate::engine::progress::Snapshot;
use crate::engine::recorder::Recorder;
use crate::engine::row::{FileContext, Pass, RowReader};
use crate::migration::{ExportFile, FileKind, Plan};
use crate::source::ByteSink;
use crate::store::{Storage, file_key};

pub fn patient(id: &str, number: usize, born: &str, language: &str, link: Option<&str>) -> String {
    let link = link.map_or(String::new(), |other| {
        format!(",\"link\":[{{\"other\":{{\"reference\":\"Patient/{other}\"}},\"type\":\"seealso\"}}]")
    });
    // Nobody seems to be somebody else.
    let (family, given) = [
        ("Doe", "Jo"),
        ("Nakamura", "Haruki"),
        ("Okafor", "Chinwe"),
        ("Lindqvist", "Sigrid"),
    ][number];
    format!(
        "{{\"resourceType\":\"Patient\",\"id\":\"{id}\",\"language\":\"{language}\",\"identifier\":[{{\"type\":{{\"coding\":[{{\"system\":\
         \"http://terminology.hl7.org/CodeSystem/v2-0203\",\"code\":\"MR\"}}]}},\"system\":\"urn:mrn\",\"value\":\"m{number}\"}}],\
         \"name\":[{{\"family\":\"{family}\",\"given\":[\"{given}\"]}}],\"gender\":\"other\",\"birthDate\":\"{born}\"{link}}}"
    )
}

pub fn observation(id: &str, patient: &str, year: u64, value: u64) -> String {
    format!(
        "{{\"resourceType\":\"Observation\",\"id\":\"{id}\",\"meta\":{{\"lastUpdated\":\"{year}-01-01T00:00:00Z\"}},\"status\":\"final\",\
         \"code\":{{\"text\":\"x\"}},\"subject\":{{\"reference\":\"Patient/{patient}\"}},\"valueInteger\":{value}}}"
    )
}

/// The source's records; `bits` chooses one of four states for each.
fn source(bits: u64) -> [Vec<String>; 2] {
    let state = |nth: u64| (bits >> (2 * nth)) & 3;
    let languages = ["en", "es", "fr", "de"];
    let mut patients = Vec::new();
    let mut others = Vec::new();
    for number in 0..4_usize {
        let id = format!("p{number}");
        let language = languages[usize::try_from(state(number as u64)).unwrap()];
        let link = (number == 3).then_some("p0");
        patients.push(patient(&id, number, BORN[number], language, link));
        for nth in 0..2 {
            let state = state(4 + 2 * number as u64 + nth);
            others.push(observation(&format!("o{number}-{nth}"), &id, 2020 + state, state));
        }
    }
    others.push(
        "{\"resourceType\":\"Group\",\"id\":\"both\",\"type\":\"person\",\"actual\":true,\"member\":[{\"entity\":{\"reference\":\
         \"Patient/p0\"}},{\"entity\":{\"reference\":\"Patient/p1\"}}]}"
            .to_owned(),
    );
    [patients, others]
}

fn deletion(record: &str) -> String {
    format!(
        "{{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[{{\"request\":{{\"method\":\"DELETE\",\"url\":\"{record}\"}}}}]}}"
    )
}

/// Takes in what the source has in the states that `bits` choose; `whole` when every line comes as it should.
pub async fn land(storage: &Arc<Storage>, plan: &Plan, recorder: Recorder, run: u32, bits: u64, whole: bool) {
    let tenant = storage.names.tenant(&plan.tenant).unwrap();
    let placer = Placer::new(Arc::clone(storage), plan, None, false).unwrap();
    let mut patients = Arc::clone(&placer.patients);
    let (signals, mut signalled) = mpsc::unbounded_channel();
    let (snapshot, _unwatched) = watch::channel(Snapshot::default());
    let committer = Committer::new(
        Arc::clone(storage),
        recorder,
        placer,
        run,
        u64::MAX - 1,
        signals.clone(),
        snapshot,
    )
    .unwrap();
    let pipeline = Pipeline::start(
        committer,
        run,
        || RowReader::new(Arc::clone(storage), tenant, Some(BASE.to_owned())),
        || Ok(storage.block_writer()?),
        &signals,
    )
    .unwrap();
    let [mut people, mut others] = source(bits);
    if !whole {
        // One of them, most times, comes without its end.
        let all = people.iter_mut().chain(&mut others);
        for line in all.skip(usize::try_from(bits >> 60).unwrap()).take(1) {
            line.pop();
        }
    }
    let deleted = if bits.count_ones() % 2 == 1 {
        vec![deletion("Observation/o3-1")]
    } else {
        Vec::new()
    };
    let files = [
        (FileKind::Output, Some("Patient"), people),
        (FileKind::Output, None, others),
        (FileKind::Deleted, None, deleted),
    ];
    for (number, (kind, resource_type, lines)) in (1..).zip(files) {
        let file = ExportFile {
            resource_type: resource_type.map(str::to_owned),
            ..ExportFile::new(run, number, kind, format!("{number}.ndjson"))
        };
        storage.tables.files.put(&file_key(run, number), &file).unwrap();
        let context = FileContext {
            number,
            kind,
            resource_type: file.resource_type.clone(),
            organized: false,
            patients: Arc::clone(&patients),
            max_line: 1 << 20,
            pass: Pass::Whole,
        };
        pipeline.begin(file).await.unwrap();
        let mut landing = Landing::new(Arc::new(context), pipeline.work().unwrap(), Mark::default(), 1 << 20);
        let text = lines.iter().fold(String::new(), |text, line| text + line + "\n");
        let mut hasher = crate::store::FileHasher::landed();
        hasher.update(text.as_bytes());
        let hash = crate::engine::place::hex(&hasher.sum());
        landing.write(Bytes::from(text)).await.ok().unwrap();
        landing.finish(hash).await.ok().unwrap();
        patients = pipeline.drain().await.unwrap();
    }
    pipeline.stop().await;
    assert!(signalled.try_recv().is_err());
}
