//! Questions to the source that a person waits for: the test of a connection, of a published key set, of credentials.

use std::sync::Arc;

use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::message::{Msg, Problem, Reply};
use crate::engine::destination::trial;
use crate::engine::{self, EngineError, Recorder, keys};
use crate::http::Clock;
use crate::migration::Plan;
use crate::source::{JwksFinding, check_published};
use crate::store::Storage;

/// What a question needs.
pub struct Asker {
    /// The store.
    pub storage: Arc<Storage>,
    /// Who is told.
    pub out: UnboundedSender<Msg>,
    /// What waits go by.
    pub clock: Arc<dyn Clock>,
    /// Ends the question.
    pub cancel: CancellationToken,
}

impl Asker {
    fn tell(&self, reply: Reply) {
        // Without a front end nobody wants to know.
        let _ = self.out.send(Msg::Read(reply));
    }

    /// Looks at everything that an export needs, and tells each check as it is done.
    pub async fn preflight(self, plan: Plan) {
        let seen = |check: &engine::Check| self.tell(Reply::Check(plan.id.clone(), Box::new(check.clone())));
        engine::preflight(&self.storage, &plan, &self.cancel, seen).await;
        self.tell(Reply::Checked(plan.id.clone()));
    }

    /// Looks at the key set that is published at `url` as the EHR will.
    pub async fn published(self, plan: Plan, url: String) {
        match self.findings(&plan, &url).await {
            Ok(findings) => self.tell(Reply::Published(plan.id, findings)),
            Err(error) => {
                self.tell(Reply::Published(plan.id, Vec::new()));
                let _ = self.out.send(Msg::Failed(error.into()));
            }
        }
    }

    async fn findings(&self, plan: &Plan, url: &str) -> Result<Vec<JwksFinding>, EngineError> {
        let url = Url::parse(url).map_err(|_| EngineError::NotReady {
            what: "where the key set is published is not a URL".to_owned(),
            hint: "give its https address".to_owned(),
        })?;
        let key = keys::load(&self.storage, plan)?;
        let http = engine::http(plan)?;
        Ok(check_published(&http, &url, key.public(), &self.cancel).await.findings)
    }

    /// Asks the destination what it can do, and writes one record to try.
    pub async fn try_destination(self, plan: Plan) {
        let result = trial(&self.storage, &plan, Arc::clone(&self.clock), &self.cancel).await;
        self.tell(Reply::Tried(plan.id, Box::new(result.map_err(Problem::from))));
    }

    /// Asks for a token.
    pub async fn mint(self, plan: Plan) {
        // What it records is read again by whoever asks for the standings.
        let (events, _nobody) = unbounded_channel();
        let recorder = Recorder::new(Arc::clone(&self.storage), &plan.id, events);
        let clock = Arc::clone(&self.clock);
        let result = engine::mint(&self.storage, &plan, clock, &recorder, &self.cancel).await;
        self.tell(Reply::Minted(plan.id, Box::new(result.map_err(Problem::from))));
    }
}
