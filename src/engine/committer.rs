//! The committer: the one place where received rows meet the store, in the order of each file, and where checkpoints are made.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot, watch};

use super::error::EngineError;
use super::landing::FileEnd;
use super::message::{Arrived, Message, Place, ReadBlock, Signal};
use super::patients::PatientMap;
use super::place::Placer;
use super::progress::Snapshot;
use super::recorder::Recorder;
use super::row::{Pass, What, location};
use crate::migration::{Counts, Disposition, Event, ExportFile, FileKind, FileState, Quarantined};
use crate::store::{Location, Progress, QuarantinedRow, RowId, Storage, Writer, file_key, row_key, run_key};

/// A checkpoint is made after this many bytes of source.
const CHECKPOINT_BYTES: u64 = 16 * 1024 * 1024;
/// A checkpoint is made after this time.
const CHECKPOINT_TIME: Duration = Duration::from_secs(1);

/// Rows presumed in a file whose manifest does not count them.
const UNCOUNTED: u64 = 50_000;

struct Receiving {
    file: ExportFile,
    next: u64,
    waiting: BTreeMap<u64, Waiting>,
}

enum Waiting {
    Block(ReadBlock),
    End(FileEnd),
}

/// The committer's state.
pub struct Committer {
    storage: Arc<Storage>,
    recorder: Recorder,
    writer: Writer,
    placer: Placer,
    run: u32,
    receiving: BTreeMap<u32, Receiving>,
    finished: Vec<ExportFile>,
    /// Ended with the last checkpoint, whose record has them; with the next one they go into the table of files.
    settled: Vec<ExportFile>,
    arrived: Arrived,
    drains: Vec<(u64, oneshot::Sender<Arc<PatientMap>>)>,
    added: u64,
    rejects: u64,
    max_rejects: u64,
    uncommitted: u64,
    last: Instant,
    signals: mpsc::UnboundedSender<Signal>,
    snapshot: watch::Sender<Snapshot>,
}

impl Committer {
    /// A committer for a run that goes on from `progress`.
    pub fn new(
        storage: Arc<Storage>,
        recorder: Recorder,
        placer: Placer,
        run: u32,
        max_rejects: u64,
        signals: mpsc::UnboundedSender<Signal>,
        snapshot: watch::Sender<Snapshot>,
    ) -> Result<Self, EngineError> {
        let progress = storage.settle(run)?;
        report_cut_off(&recorder, &progress.files)?;
        let rejects = storage
            .files(run)?
            .iter()
            .flat_map(|f| f.counts.values())
            .map(|c| c.quarantined)
            .sum();
        let promised: u64 = storage
            .files(run)?
            .iter()
            .map(|f| f.expected.unwrap_or(UNCOUNTED))
            .sum();
        let writer = storage.intake_writer(run, promised)?;
        Ok(Self {
            storage,
            recorder,
            writer,
            placer,
            run,
            receiving: BTreeMap::new(),
            finished: Vec::new(),
            settled: Vec::new(),
            arrived: Arrived::default(),
            drains: Vec::new(),
            added: progress.added,
            rejects,
            max_rejects,
            uncommitted: 0,
            last: Instant::now(),
            signals,
            snapshot,
        })
    }

    /// Works until the senders are gone; what is left is made durable.
    pub fn work(mut self, messages: &Receiver<Message>) {
        if let Err(error) = self.serve(messages) {
            // The receiver is gone when the job was cancelled: nobody is left to tell.
            let _ = self.signals.send(Signal::Broken(error));
        }
    }

    fn serve(&mut self, messages: &Receiver<Message>) -> Result<(), EngineError> {
        loop {
            let wait = CHECKPOINT_TIME.saturating_sub(self.last.elapsed());
            match messages.recv_timeout(wait) {
                Ok(Message::Begin(file)) => {
                    let receiving = Receiving {
                        file: *file,
                        next: 0,
                        waiting: BTreeMap::new(),
                    };
                    self.receiving.insert(receiving.file.number, receiving);
                }
                Ok(Message::Block(number, block)) => {
                    self.arrived.add(number);
                    self.arrive(block.file, block.sequence, Waiting::Block(block))?;
                }
                Ok(Message::End(number, end)) => {
                    self.arrived.add(number);
                    self.arrive(end.file, end.sequence, Waiting::End(end))?;
                }
                Ok(Message::Failed { file, reason }) => self.fail(file, reason)?,
                Ok(Message::Mapped) => self.placer.read_crosswalk()?,
                Ok(Message::Drain { pieces, done }) => self.drains.push((pieces, done)),
                Err(RecvTimeoutError::Timeout) => self.checkpoint()?,
                Err(RecvTimeoutError::Disconnected) => return self.checkpoint(),
            }
            self.answer_drains()?;
            if self.uncommitted >= CHECKPOINT_BYTES || self.last.elapsed() >= CHECKPOINT_TIME {
                self.checkpoint()?;
            }
        }
    }

    /// Answers whoever waits for pieces that have all arrived: a file's pieces are numbered, so then all of them are placed.
    fn answer_drains(&mut self) -> Result<(), EngineError> {
        let arrived = self.arrived.all_below;
        if !self.drains.iter().any(|(pieces, _)| *pieces <= arrived) {
            return Ok(());
        }
        self.checkpoint()?;
        let (ready, waiting) = std::mem::take(&mut self.drains)
            .into_iter()
            .partition(|(pieces, _)| *pieces <= arrived);
        self.drains = waiting;
        // Whoever asks is through with the patients, or nearly.
        self.placer.forget_known();
        for (_, done) in ready {
            // Whoever asked may have been cancelled.
            let _ = done.send(Arc::clone(&self.placer.patients));
        }
        Ok(())
    }

    fn arrive(&mut self, file: u32, sequence: u64, what: Waiting) -> Result<(), EngineError> {
        let Some(mut receiving) = self.receiving.remove(&file) else {
            return Ok(());
        };
        receiving.waiting.insert(sequence, what);
        while let Some(next) = receiving.waiting.remove(&receiving.next) {
            receiving.next += 1;
            match next {
                Waiting::Block(block) => self.commit(&mut receiving.file, block)?,
                Waiting::End(end) if end.pass == Pass::Patients => {
                    // Its other records are taken in from the landing, once all patients are known.
                    receiving.file.blake3 = Some(end.blake3);
                    self.uncommitted += 1;
                }
                Waiting::End(FileEnd {
                    same_as: Some(former), ..
                }) => {
                    receiving.file.take_after(&former);
                    self.finished.push(receiving.file);
                    return Ok(());
                }
                Waiting::End(end) => {
                    receiving.file.state = FileState::Complete;
                    receiving.file.blake3 = Some(end.blake3);
                    self.finished.push(receiving.file);
                    return Ok(());
                }
            }
        }
        self.receiving.insert(file, receiving);
        Ok(())
    }

    fn fail(&mut self, file: u32, reason: String) -> Result<(), EngineError> {
        if let Some(mut receiving) = self.receiving.remove(&file) {
            receiving.file.state = FileState::Failed { reason };
            self.finished.push(receiving.file);
            self.checkpoint()?;
        }
        Ok(())
    }

    fn commit(&mut self, file: &mut ExportFile, block: ReadBlock) -> Result<(), EngineError> {
        let (segment, at) = match &block.place {
            Place::New(sealed) => {
                let at = self.writer.append(sealed)?;
                self.uncommitted += block.end - file.bytes;
                file.bytes = block.end;
                file.validator = block.validator.map(|v| v.to_string());
                file.lines = block.lines;
                at
            }
            Place::Landed(segment, at) => {
                self.uncommitted += block.end - file.replayed;
                file.replayed = block.end;
                (*segment, *at)
            }
        };
        let mut counts: Vec<(u16, Counts)> = Vec::new();
        let mut count = |number: u16, disposition| {
            if let Some((_, counts)) = counts.iter_mut().find(|(n, _)| *n == number) {
                counts.add(disposition);
            } else {
                let mut one = Counts::default();
                one.add(disposition);
                counts.push((number, one));
            }
        };
        for row in block.rows {
            let place = location(segment, at, &row);
            let id = RowId {
                run: self.run,
                file: file.number,
                line: u32::try_from(row.line).unwrap_or(u32::MAX),
            };
            match row.what {
                What::Record(record) => {
                    for place in &record.transformed_by {
                        *file.transformed.entry(*place).or_default() += 1;
                    }
                    let number = record.key.resource_type();
                    count(number, self.placer.place(&mut self.writer, id, place, &record)?);
                }
                What::Rejected(rejected) => {
                    let what = Quarantined {
                        run: self.run,
                        file: file.number,
                        file_name: file.name.clone(),
                        line: row.line,
                        offset: block.offset + u64::from(row.start),
                        len: u64::from(row.len),
                        resource_type: rejected.resource_type,
                        code: rejected.code.to_owned(),
                        reason: rejected.reason,
                    };
                    self.quarantine(file, id, place, what)?;
                }
                What::Deletions(keys) => {
                    for key in keys {
                        self.placer.delete(&mut self.writer, id, place, key)?;
                        count(key.resource_type(), Disposition::Deleted);
                    }
                }
                What::Issues(severities) => {
                    for severity in severities {
                        *file.issues.entry(severity).or_default() += 1;
                    }
                }
            }
        }
        for (number, counts) in counts {
            file.counts
                .entry(self.placer.type_name(number))
                .or_default()
                .merge(&counts);
        }
        Ok(())
    }

    fn quarantine(
        &mut self,
        file: &mut ExportFile,
        id: RowId,
        place: Location,
        what: Quarantined,
    ) -> Result<(), EngineError> {
        file.counts
            .entry(what.resource_type.clone())
            .or_default()
            .add(Disposition::Quarantined);
        self.storage
            .tables
            .quarantine
            .put(&row_key(id), &QuarantinedRow { what, location: place })?;
        self.rejects += 1;
        if self.rejects == self.max_rejects + 1 {
            // The receiver is gone when the job was cancelled: it is stopping anyway.
            let _ = self.signals.send(Signal::TooManyRejects(self.rejects));
        }
        Ok(())
    }

    fn checkpoint(&mut self) -> Result<(), EngineError> {
        self.last = Instant::now();
        if self.uncommitted == 0 && self.finished.is_empty() {
            return Ok(());
        }
        self.added += self.writer.pending.added();
        let finished = std::mem::take(&mut self.finished);
        let receiving = self.receiving.values().map(|r| &r.file);
        let files: Vec<ExportFile> = receiving.chain(&finished).cloned().collect();
        let (storage, run, added, settled) = (&self.storage, self.run, self.added, &self.settled);
        let mut events = Vec::new();
        self.writer.checkpoint(|tails| -> Result<(), EngineError> {
            for file in settled {
                storage.tables.files.put(&file_key(run, file.number), file)?;
            }
            let progress = Progress {
                tails: tails.to_vec(),
                files,
                added,
            };
            // The one record: were an ended file in a record of its own, a kill between the two could call bytes complete that no
            // length vouches for.
            storage.tables.progress.put(&run_key(run), &progress)?;
            for file in &finished {
                events.push(self.recorder.append(&ended(file))?);
            }
            Ok(storage.workspace.ledger().durable()?)
        })?;
        self.settled.clone_from(&finished);
        for event in events {
            self.recorder.publish(event);
        }
        self.uncommitted = 0;
        let receiving = self.receiving.values().map(|r| r.file.clone()).collect();
        self.snapshot.send_modify(|s| s.update(finished, receiving));
        Ok(())
    }
}

/// Journals the files that the last checkpoint knows as complete and the journal does not, because a kill came between the two.
fn report_cut_off(recorder: &Recorder, files: &[ExportFile]) -> Result<(), EngineError> {
    let complete: Vec<&ExportFile> = files.iter().filter(|f| f.complete()).collect();
    if complete.is_empty() {
        return Ok(());
    }
    let known = recorder.complete()?;
    for file in complete {
        if !known.contains(&file.number) {
            recorder.record(&ended(file))?;
        }
    }
    Ok(())
}

fn ended(file: &ExportFile) -> Event {
    match &file.state {
        FileState::Failed { reason } => Event::DownloadError {
            file: file.number,
            name: file.name.clone(),
            reason: reason.clone(),
        },
        FileState::Pending | FileState::Complete => Event::DownloadComplete {
            file: file.number,
            name: file.name.clone(),
            bytes: file.bytes,
            rows: file.rows(),
            blake3: file.blake3.clone().unwrap_or_default(),
            promised: file
                .expected
                .filter(|expected| file.kind == FileKind::Output && *expected != file.rows()),
        },
    }
}
