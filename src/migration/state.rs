//! Where a migration stands: the fold of its events.

use serde::{Deserialize, Serialize};

use super::event::Event;

/// The step that a run has reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// No run yet.
    #[default]
    New,
    /// Begun; no export at the source yet.
    Started,
    /// The kickoff was sent and not answered yet.
    KickingOff,
    /// The source prepares the export.
    Exporting,
    /// Files are being received and taken in.
    Ingesting,
    /// Every row has its disposition.
    Ingested,
    /// The store was compared with the landing.
    Verified,
    /// Over.
    Completed,
    /// Taken back.
    RolledBack,
    /// Its export was cancelled at the source before it was ready.
    Cancelled,
}

/// Where a migration stands.
#[allow(clippy::struct_excessive_bools)] // Each says of one thing whether it is so.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The latest run, 0 before the first.
    pub run: u32,
    /// How far that run is.
    pub stage: Stage,
    /// Its status URL at the source.
    pub status_url: Option<String>,
    /// Whether the status URL tells the job's state apart from that of the request.
    pub separate_status: bool,
    /// Whether its files have header lines between groups of records.
    pub organized: bool,
    /// `transactionTime` of its export.
    pub transaction_time: Option<String>,
    /// The server's last words on its progress.
    pub progress: Option<String>,
    /// Why it last stopped, if it did and has not gone on since.
    pub stopped: Option<String>,
    /// Kickoffs sent in this run that were never answered.
    pub unanswered: u32,
    /// Whether the source has let us in with what is known of it now.
    #[serde(default)]
    pub let_in: bool,
    /// What the latest run asked for has changed since this instant.
    #[serde(default)]
    pub since: Option<String>,
    /// Whether the practice has gone over: nothing is changed any more.
    #[serde(default)]
    pub flipped: bool,
}

impl State {
    /// The state after one more event.
    #[allow(clippy::too_many_lines)] // An arm for each event.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::RunStarted { run, since } => {
                *self = Self {
                    run: *run,
                    stage: Stage::Started,
                    since: since.clone(),
                    let_in: self.let_in,
                    ..Self::default()
                };
            }
            Event::KickoffSent { .. } => {
                if self.stage == Stage::KickingOff {
                    self.unanswered += 1;
                }
                self.stage = Stage::KickingOff;
                self.stopped = None;
            }
            Event::Kickoff {
                status_url,
                separate_status,
            } => {
                self.separate_status = *separate_status;
                self.stage = Stage::Exporting;
                self.status_url = Some(status_url.clone());
            }
            Event::StatusProgress { progress } => {
                self.progress = Some(progress.clone());
                self.stopped = None;
            }
            Event::StatusComplete {
                transaction_time,
                organized,
                ..
            } => {
                self.organized = *organized;
                self.stage = Stage::Ingesting;
                self.transaction_time.clone_from(transaction_time);
                self.stopped = None;
            }
            Event::IngestCompleted { .. } => {
                self.stage = Stage::Ingested;
                self.stopped = None;
            }
            Event::Verified { .. } => self.stage = self.stage.max(Stage::Verified),
            Event::RunCompleted { .. } => {
                self.stage = Stage::Completed;
                self.stopped = None;
            }
            Event::RunPaused { rejects, allowed } => {
                self.stopped = Some(format!("{rejects} rows were rejected; the plan allows {allowed}"));
            }
            Event::RunFailed { reason } => self.stopped = Some(reason.clone()),
            Event::DownloadRequest { .. } => self.stopped = None,
            Event::RolledBack { run } => {
                *self = Self {
                    run: *run,
                    stage: Stage::RolledBack,
                    let_in: self.let_in,
                    ..Self::default()
                };
            }
            Event::ExportCancelled {} => {
                *self = Self {
                    run: self.run,
                    stage: Stage::Cancelled,
                    let_in: self.let_in,
                    ..Self::default()
                };
            }
            Event::MigrationRemoved {} => *self = Self::default(),
            Event::Flipped { .. } => self.flipped = true,
            Event::FlipTakenBack { .. } => self.flipped = false,
            Event::TokenGranted { .. } => self.let_in = true,
            Event::KeyCreated { .. } => self.let_in = false,
            Event::MigrationChanged { fields } => {
                let matters = [
                    "base_url",
                    "token_url",
                    "client_id",
                    "auth",
                    "algorithm",
                    "jku",
                    "secrets",
                    "preset",
                ];
                self.let_in &= !fields.iter().any(|field| matters.contains(&field.as_str()));
            }
            Event::MigrationAdded { .. }
            | Event::ManifestRefreshed {}
            | Event::DownloadComplete { .. }
            | Event::DownloadError { .. }
            | Event::ExportComplete { .. }
            | Event::ConflictResolved { .. }
            | Event::DecisionUndone { .. }
            | Event::CrosswalkChanged { .. }
            | Event::RollbackBegun { .. }
            | Event::RowAmended { .. }
            | Event::RowWaived { .. }
            | Event::RecordRepaired { .. }
            | Event::ChartJudged { .. }
            | Event::SignedOff { .. }
            | Event::DestinationRead { .. }
            | Event::HandedOff { .. }
            | Event::ImportBegun { .. }
            | Event::ImportEnded { .. }
            | Event::ImportForgotten {}
            | Event::DeliveryBegun { .. }
            | Event::DeliveryEnded { .. }
            | Event::DeliveryFailed { .. }
            | Event::DestinationAgreed { .. }
            | Event::DeliveryProven { .. }
            | Event::WipeBegun { .. }
            | Event::JobDeleted {}
            | Event::JobKept { .. } => {}
        }
    }

    /// The state after these events.
    pub fn fold<'a>(events: impl IntoIterator<Item = &'a Event>) -> Self {
        let mut state = Self::default();
        for event in events {
            state.apply(event);
        }
        state
    }

    /// Whether a run is under way that can go on.
    pub fn unfinished(&self) -> bool {
        !matches!(
            self.stage,
            Stage::New | Stage::Completed | Stage::RolledBack | Stage::Cancelled
        )
    }
}
