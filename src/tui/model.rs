//! The model: everything that the screen shows, and nothing that it does not.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use ratatui::layout::Size;

use super::edit::Editing;
use super::live::Live;
use super::look::{Look, Role};
use super::mask;
use super::message::Effect;
use super::overlay::Overlay;
use super::screen::{
    Screen, chart, charts, conflict, conflicts, cutover, destination, export, findings, home, ingest, log, merge,
    quarantine, register, source, token, verify,
};
use crate::engine::Standing;
use crate::migration::{Plan, Preset, Step};

/// Where the program runs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// The machine.
    pub host: String,
    /// Who is at the keyboard, by login name.
    pub operator: String,
    /// The workspace's folder.
    pub workspace: String,
    /// Whether this is a rehearsal against a simulated EHR.
    pub rehearsal: bool,
}

/// A line about something that happened, under the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// When.
    pub at: Timestamp,
    /// What.
    pub text: String,
    /// How much it matters.
    pub role: Role,
}

/// Everything that the screen shows.
pub struct Model {
    /// Where the program runs.
    pub place: Place,
    /// How things look.
    pub look: Look,
    /// Whether names, dates of birth and identifiers are masked.
    pub privacy: bool,
    /// What times are shown in.
    pub zone: TimeZone,
    /// What time it is.
    pub now: Timestamp,
    /// Columns and rows of the terminal.
    pub size: Size,
    /// The screen.
    pub screen: Screen,
    /// What stands over it.
    pub overlay: Option<Overlay>,
    /// How every migration stands; nothing before it was first read.
    pub standings: Option<Vec<Standing>>,
    /// The open migration.
    pub open: Option<String>,
    /// Jobs at work, by migration.
    pub jobs: BTreeMap<String, Live>,
    /// The last thing that happened.
    pub last: Option<Line>,
    /// Something that is to be seen before it: until when, and what.
    pub toast: Option<(Timestamp, Line)>,
    /// The program is about to end, when all jobs have.
    pub leaving: bool,
    /// Standings are being read; and whether they have changed since and are to be read again.
    pub reading: Option<bool>,
    /// Every preset.
    pub presets: Vec<Preset>,
    /// The field that is being typed.
    pub editing: Option<Editing>,
    /// Of the home screen.
    pub home: home::State,
    /// Of Source.
    pub source: source::State,
    /// Of Register.
    pub register: register::State,
    /// Of Token.
    pub token: token::State,
    /// Of Export.
    pub export: export::State,
    /// Of Ingest.
    pub ingest: ingest::State,
    /// Of the log.
    pub log: log::State,
    /// Of the list of conflicts.
    pub conflicts: conflicts::State,
    /// Of one conflict.
    pub conflict: conflict::State,
    /// Of the list of quarantined rows.
    pub quarantine: quarantine::State,
    /// Of merging its records.
    pub merge: merge::State,
    /// Of Verify: what was found, and the sample charts.
    pub verify: verify::State,
    /// Of the list of findings.
    pub findings: findings::State,
    /// Of the list of sample charts.
    pub charts: charts::State,
    /// Of one sample chart.
    pub chart: chart::State,
    /// Of Cutover.
    pub cutover: cutover::State,
    /// Of the destination.
    pub destination: destination::State,
}

impl Model {
    /// A model of which nothing is read yet.
    pub fn new(place: Place, look: Look, zone: TimeZone, now: Timestamp) -> Self {
        Self {
            place,
            look,
            privacy: false,
            zone,
            now,
            size: Size::new(80, 24),
            screen: Screen::Home,
            overlay: None,
            standings: None,
            open: None,
            jobs: BTreeMap::new(),
            last: None,
            toast: None,
            leaving: false,
            reading: None,
            presets: Vec::new(),
            editing: None,
            home: home::State::default(),
            source: source::State::default(),
            register: register::State::default(),
            token: token::State::default(),
            export: export::State::default(),
            ingest: ingest::State::default(),
            log: log::State::default(),
            conflicts: conflicts::State::default(),
            conflict: conflict::State::default(),
            quarantine: quarantine::State::default(),
            merge: merge::State::default(),
            verify: verify::State::default(),
            findings: findings::State::default(),
            charts: charts::State::default(),
            chart: chart::State::default(),
            cutover: cutover::State::default(),
            destination: destination::State::default(),
        }
    }

    /// How the migrations stand, as far as that was read.
    pub fn standings(&self) -> &[Standing] {
        self.standings.as_deref().unwrap_or_default()
    }

    /// How one migration stands.
    pub fn standing(&self, id: &str) -> Option<&Standing> {
        self.standings().iter().find(|standing| standing.plan.id == id)
    }

    /// How the open migration stands.
    pub fn opened(&self) -> Option<&Standing> {
        self.standing(self.open.as_deref()?)
    }

    /// The plan of the open migration.
    pub fn plan(&self) -> Option<&Plan> {
        self.opened().map(|standing| &standing.plan)
    }

    /// The open migration's job, if one is at work.
    pub fn job(&self) -> Option<&Live> {
        self.jobs.get(self.open.as_deref()?)
    }

    /// What tells who a patient is, as it may be seen now.
    pub fn private<'t>(&self, text: &'t str) -> std::borrow::Cow<'t, str> {
        mask::shown(text, self.look, self.privacy)
    }

    /// Rows of the body.
    pub fn body_rows(&self) -> usize {
        usize::from(super::view::body(self.size).height)
    }

    /// Whether something is shown that changes with time alone.
    pub fn counts_down(&self) -> bool {
        let here = match self.screen {
            Screen::Step(Step::Poll) => self.job().is_some_and(|job| job.snapshot.polling.is_some()),
            Screen::Destination => self.job().is_some_and(|job| {
                let delivery = job.snapshot.delivery.as_ref();
                delivery.is_some_and(|delivery| delivery.until.is_some())
            }),
            Screen::Step(Step::Token) => self.token.left(self.now).is_some(),
            _ => false,
        };
        here || self.toast.is_some()
    }

    /// Shows a line for a few seconds before anything else.
    pub fn say(&mut self, text: impl Into<String>, role: Role) {
        let line = Line {
            at: self.now,
            text: text.into(),
            role,
        };
        // Long enough to be read, and to be seen by somebody who looks up.
        let until = self.now + std::time::Duration::from_secs(8);
        self.toast = Some((until, line));
    }

    /// Has the standings read, once for everybody who asks meanwhile.
    pub fn read_standings(&mut self) -> Vec<Effect> {
        if let Some(again) = &mut self.reading {
            *again = true;
            return Vec::new();
        }
        self.reading = Some(false);
        vec![Effect::ReadStandings]
    }
}
