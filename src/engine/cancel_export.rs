//! Cancelling an export at the source while it is being prepared there.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use url::Url;

use super::connect::{connect_by, http_by};
use super::error::EngineError;
use super::recorder::Recorder;
use crate::http::Clock;
use crate::migration::{Event, Plan, Stage};
use crate::source::{Deletion, delete_job};
use crate::store::Storage;

/// Cancels the export that the source prepares; refuses when there is none. What was received before is not touched.
pub async fn cancel_export(
    storage: &Arc<Storage>,
    plan: &Plan,
    recorder: &Recorder,
    clock: Arc<dyn Clock>,
    cancel: &CancellationToken,
) -> Result<(), EngineError> {
    let state = recorder.state()?;
    let url = state.status_url.as_deref().and_then(|url| Url::parse(url).ok());
    let Some(url) = url.filter(|_| state.stage == Stage::Exporting) else {
        return Err(EngineError::NotReady {
            what: format!("no export of `{}` is being prepared at the source", plan.id),
            hint: "`cutover status` says where it stands".to_owned(),
        });
    };
    let session = connect_by(http_by(plan, clock)?, storage, plan, cancel).await?;
    match delete_job(&session, &url, cancel).await {
        Deletion::Deleted | Deletion::AlreadyGone => recorder.record(&Event::ExportCancelled {}),
        Deletion::Failed { reason } => {
            let hint = "try again later, or let it be: `cutover run` goes on with it".to_owned();
            Err(EngineError::Source(
                format!("the export could not be cancelled: {reason}"),
                Some(hint),
            ))
        }
    }
}
