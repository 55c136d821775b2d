//! The eight steps that a person is led through, and how each of them stands. Pure.

use serde::Serialize;

use super::state::Stage;

/// A step of a migration, in the order in which they are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Which EHR, and where it is.
    Source,
    /// Who we are to it.
    Register,
    /// Being let in.
    Token,
    /// What to ask for.
    Export,
    /// Waiting until it is prepared.
    Poll,
    /// Receiving it and taking it in.
    Ingest,
    /// Comparing what is stored with what was received.
    Verify,
    /// Leaving the old system.
    Cutover,
}

impl Step {
    /// All of them, in order.
    pub const ALL: [Self; 8] = [
        Self::Source,
        Self::Register,
        Self::Token,
        Self::Export,
        Self::Poll,
        Self::Ingest,
        Self::Verify,
        Self::Cutover,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Source => "Source",
            Self::Register => "Register",
            Self::Token => "Token",
            Self::Export => "Export",
            Self::Poll => "Poll",
            Self::Ingest => "Ingest",
            Self::Verify => "Verify",
            Self::Cutover => "Cutover",
        }
    }
}

/// How a step stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepState {
    /// Done; it can be looked at again.
    Done,
    /// The migration is here.
    Here,
    /// The migration is here and waits for a person: why.
    Waiting(String),
    /// Something before it is missing: what.
    Blocked(String),
    /// Its turn comes later.
    Ahead,
}

/// What the steps are told from.
#[allow(clippy::struct_excessive_bools)] // Each says of one thing whether it is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Readiness {
    /// The EHR's address is known.
    pub address: bool,
    /// There is a key pair or a secret, or none is needed.
    pub credentials: bool,
    /// The EHR has given us a client id, or needs none.
    pub client_id: bool,
    /// The group to export is known, or none is needed.
    pub group: bool,
    /// The EHR has let us in before.
    pub token: bool,
    /// How far the latest run is.
    pub stage: Stage,
    /// Why it stopped, if it did.
    pub stopped: Option<String>,
    /// Conflicts that wait for a decision.
    pub conflicts: u64,
    /// Findings of the latest verification.
    pub findings: u64,
    /// Sample charts that are neither passed nor waived.
    pub charts: u64,
    /// Something has changed since the latest verification.
    pub unverified: bool,
    /// The first thing that must be so before the practice goes over, and is not.
    pub unmet: Option<&'static str>,
    /// The practice has gone over.
    pub flipped: bool,
}

impl Readiness {
    /// Where the migration is.
    pub fn step(&self) -> Step {
        match self.stage {
            Stage::New | Stage::RolledBack | Stage::Cancelled => self.setting_up(),
            Stage::Started | Stage::KickingOff => Step::Export,
            Stage::Exporting => Step::Poll,
            Stage::Ingesting => Step::Ingest,
            Stage::Verified | Stage::Completed if self.conflicts > 0 && !self.flipped => Step::Ingest,
            Stage::Completed if self.flipped => Step::Cutover,
            Stage::Completed if self.findings == 0 && self.charts == 0 && !self.unverified => Step::Cutover,
            Stage::Ingested | Stage::Verified | Stage::Completed => Step::Verify,
        }
    }

    fn setting_up(&self) -> Step {
        if !self.address {
            Step::Source
        } else if !self.credentials || !self.client_id {
            Step::Register
        } else if !self.token {
            Step::Token
        } else {
            Step::Export
        }
    }

    /// What a step needs that is not there, in a few words.
    pub fn lacks(&self, step: Step) -> Option<String> {
        let begun = !matches!(self.stage, Stage::New | Stage::RolledBack | Stage::Cancelled);
        if begun {
            return None;
        }
        let missing = [
            (Step::Source, self.address, "the EHR's address (Source)"),
            (Step::Register, self.credentials, "a key pair or secret (Register)"),
            (Step::Register, self.client_id, "the client id (Register)"),
            (Step::Export, self.group, "the Group id (Export)"),
        ];
        let missing = missing.into_iter().find(|(at, there, _)| *at < step && !there);
        missing.map(|(_, _, what)| format!("needs {what}"))
    }

    /// How each step stands.
    pub fn steps(&self) -> [StepState; 8] {
        let here = self.step();
        Step::ALL.map(|step| {
            if step < here {
                StepState::Done
            } else if step > here {
                self.lacks(step).map_or(StepState::Ahead, StepState::Blocked)
            } else if self.flipped {
                StepState::Done
            } else if let Some(why) = self.waits() {
                StepState::Waiting(why)
            } else {
                StepState::Here
            }
        })
    }

    /// What the migration waits for that only a person can give, in a few words.
    pub fn waits(&self) -> Option<String> {
        let several = |count: u64, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        if self.flipped {
            return None;
        }
        if let Some(stopped) = &self.stopped {
            return Some(stopped.clone());
        }
        match self.stage {
            Stage::Verified | Stage::Completed if self.conflicts > 0 => Some(several(self.conflicts, "conflict")),
            Stage::Verified | Stage::Completed if self.findings > 0 => Some(several(self.findings, "finding")),
            Stage::Completed if self.unverified => Some("a verification".to_owned()),
            Stage::Completed if self.charts > 0 => Some(several(self.charts, "chart")),
            Stage::Completed => self.unmet.map(str::to_lowercase),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ready(stage: Stage) -> Readiness {
        Readiness {
            address: true,
            credentials: true,
            client_id: true,
            group: true,
            token: true,
            stage,
            ..Readiness::default()
        }
    }

    #[test]
    fn a_new_migration_is_led_from_source_to_export() {
        let mut told = Readiness::default();
        assert_eq!(told.step(), Step::Source);
        told.address = true;
        assert_eq!(told.step(), Step::Register);
        told.credentials = true;
        assert_eq!(
            (told.step(), told.lacks(Step::Token)),
            (Step::Register, Some("needs the client id (Register)".to_owned()))
        );
        told.client_id = true;
        assert_eq!(told.step(), Step::Token);
        told.token = true;
        assert_eq!(told.step(), Step::Export);
        assert_eq!(told.lacks(Step::Poll), Some("needs the Group id (Export)".to_owned()));
        assert_eq!(
            told.steps()[4],
            StepState::Blocked("needs the Group id (Export)".to_owned())
        );
    }

    #[test]
    fn a_run_shows_where_it_is() {
        for (stage, step) in [
            (Stage::KickingOff, Step::Export),
            (Stage::Exporting, Step::Poll),
            (Stage::Ingesting, Step::Ingest),
            (Stage::Ingested, Step::Verify),
            (Stage::Completed, Step::Cutover),
            (Stage::RolledBack, Step::Export),
        ] {
            assert_eq!(ready(stage).step(), step);
        }
    }

    #[test]
    fn charts_are_looked_at_before_the_practice_goes_over_and_then_everything_is_done() {
        let mut told = Readiness {
            charts: 2,
            unmet: Some("Sample charts passed"),
            ..ready(Stage::Completed)
        };
        assert_eq!((told.step(), told.waits()), (Step::Verify, Some("2 charts".to_owned())));
        told.unverified = true;
        assert_eq!(
            (told.step(), told.waits()),
            (Step::Verify, Some("a verification".to_owned()))
        );
        (told.unverified, told.charts, told.unmet) = (false, 0, Some("Clinical sign-off"));
        assert_eq!(
            (told.step(), told.waits()),
            (Step::Cutover, Some("clinical sign-off".to_owned()))
        );
        told.unmet = None;
        assert_eq!(told.steps()[7], StepState::Here);
        told.flipped = true;
        assert!(told.steps().iter().all(|step| *step == StepState::Done));
    }

    #[test]
    fn what_waits_for_a_person_is_said_where_it_waits() {
        let told = Readiness {
            conflicts: 1,
            ..ready(Stage::Completed)
        };
        assert_eq!(told.steps()[5], StepState::Waiting("1 conflict".to_owned()));
        let told = Readiness {
            findings: 2,
            ..ready(Stage::Completed)
        };
        assert_eq!(told.steps()[6], StepState::Waiting("2 findings".to_owned()));
        let told = Readiness {
            stopped: Some("the EHR is down".to_owned()),
            ..ready(Stage::Exporting)
        };
        assert_eq!(told.steps()[4], StepState::Waiting("the EHR is down".to_owned()));
        // Nothing can be decided while rows still come in.
        assert_eq!(
            Readiness {
                conflicts: 3,
                ..ready(Stage::Ingesting)
            }
            .waits(),
            None
        );
    }

    proptest! {
        #[test]
        fn exactly_one_step_is_here_and_everything_before_it_is_done(
            known in any::<[bool; 5]>(), stage in 0..10_usize, conflicts in 0_u64..3, findings in 0_u64..3, charts in 0_u64..3,
            unverified in any::<bool>()
        ) {
            let stages = [
                Stage::New, Stage::Started, Stage::KickingOff, Stage::Exporting, Stage::Ingesting, Stage::Ingested,
                Stage::Verified, Stage::Completed, Stage::RolledBack, Stage::Cancelled,
            ];
            let [address, credentials, client_id, group, token] = known;
            let told = Readiness { address, credentials, client_id, group, token, stage: stages[stage], conflicts, findings, charts, unverified, ..Readiness::default() };
            let steps = told.steps();
            let here = Step::ALL.iter().position(|step| *step == told.step()).unwrap();
            for (index, state) in steps.iter().enumerate() {
                match index.cmp(&here) {
                    std::cmp::Ordering::Less => prop_assert_eq!(state, &StepState::Done),
                    std::cmp::Ordering::Equal => prop_assert!(matches!(state, StepState::Here | StepState::Waiting(_))),
                    std::cmp::Ordering::Greater => prop_assert!(matches!(state, StepState::Ahead | StepState::Blocked(_))),
                }
            }
        }
    }
}
