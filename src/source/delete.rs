//! Telling the EHR that the job is no longer needed (Bulk Data, Delete Request).

use reqwest::Method;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::session::{Session, TokenUse};
use crate::http::Call;

/// What became of a job. Nothing here is an error: everything is safely landed before a job is deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deletion {
    /// Deleted, or the request to do so accepted.
    Deleted,
    /// It was gone already.
    AlreadyGone,
    /// It may still be there, to be shown as a warning.
    Failed {
        /// Why, in one sentence.
        reason: String,
    },
}

/// Deletes the job at its status URL, or cancels it if it still runs. Only after every file is safely stored.
pub async fn delete_job(
    session: &Session,
    status_url: &Url,
    cancel: &CancellationToken,
) -> Deletion {
    let call = Call::new(Method::DELETE, status_url.clone()).accept("application/json");
    match session
        .read(&call, TokenUse::Allowed, 256 * 1024, cancel)
        .await
    {
        Ok(answer) if answer.is_success() => Deletion::Deleted,
        Ok(answer) if matches!(answer.status, 404 | 410) => Deletion::AlreadyGone,
        Ok(answer) => Deletion::Failed {
            reason: answer.to_error().to_string(),
        },
        Err(error) => Deletion::Failed {
            reason: error.to_string(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::test_server::{TestServer, answer, quick_http};

    async fn deletion(status: u16) -> Deletion {
        let server = TestServer::start(move |seen| {
            assert_eq!(seen.method, "DELETE");
            answer(
                if status == 503 && seen.before == 2 {
                    202
                } else {
                    status
                },
                &[],
                "",
            )
        })
        .await;
        let (http, ..) = quick_http();
        delete_job(
            &Session::new(http, server.at("/fhir"), None),
            &server.at("/job"),
            &CancellationToken::new(),
        )
        .await
    }

    #[tokio::test]
    async fn b90_any_2xx_is_deleted_and_404_was_gone_already() {
        assert_eq!(deletion(202).await, Deletion::Deleted);
        assert_eq!(deletion(204).await, Deletion::Deleted);
        assert_eq!(deletion(503).await, Deletion::Deleted);
        assert_eq!(deletion(404).await, Deletion::AlreadyGone);
    }

    #[tokio::test]
    async fn b91_a_failure_to_delete_is_only_a_warning() {
        assert!(
            matches!(deletion(403).await, Deletion::Failed { reason } if reason.contains("403"))
        );
    }
}
