//! One request with records in it, and how it went as a whole.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::link::{LONGEST_ANSWER, Link};
use super::task::{Came, Next, Step, Task};
use crate::http::{Call, HttpError};
use crate::migration::Bundling;
use crate::source::{SessionError, TokenUse};
use crate::target::remote::{
    Method, Reply, Request, asked_milliseconds, brief, bundle, get_fresh, points_anew_in, replies,
};

/// The longest answer of several records that is read, in bytes.
const LONGEST_OF_MANY: usize = 32 * 1024 * 1024;

/// What records are sent in together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Reads in a batch: none of a transaction's business, for it fails where nothing is found, and none of a bundle's to which short answers
    /// are wanted.
    Reads,
    /// Writes in a batch.
    Batch,
    /// Writes in a transaction.
    Transaction,
    /// One by itself: a read, or a transaction of one write, where the server has no batches.
    Alone,
}

/// How a bundle went as a whole.
pub enum Went {
    Answered(Vec<Reply>),
    /// A transaction was refused, and nothing of it was done.
    Refused,
    /// The server does not take so much at once.
    TooLarge,
    /// Nothing was done.
    Busy(HttpError),
    /// It is not known what was done.
    Unknown(HttpError),
    Failed(SessionError),
}

/// Interactions as one request; of those that go [`Way::Alone`], the one.
pub fn call(link: &Link, way: Way, requests: &[Request<'_>]) -> Call {
    match (way, requests) {
        (Way::Alone, [read]) if read.method == Method::Get => {
            let (path, query) = match read.url.split_once('?') {
                Some((path, query)) => (path, Some(query)),
                None => (read.url.as_str(), None),
            };
            let mut url = link.session.at(path);
            url.set_query(query);
            get_fresh(url)
        }
        (Way::Reads, requests) => link.call(bundle(Bundling::Batch, requests)),
        (Way::Batch, requests) => brief(link.call(bundle(Bundling::Batch, requests))),
        (Way::Transaction | Way::Alone, requests) => brief(link.call(bundle(Bundling::Transaction, requests))),
    }
}

/// Sends tasks; how that went, and how long the server wants the rest of the minute left alone.
pub async fn go(link: &Link, way: Way, tasks: &[Task], cancel: &CancellationToken) -> (Went, Option<Duration>) {
    let requests: Vec<_> = tasks.iter().map(Task::request).collect();
    let reading = requests.first().is_some_and(|request| request.method == Method::Get);
    let call = call(link, way, &requests);
    drop(requests);
    // What comes back of many is asked for in smaller parts where it is too much to have in memory.
    let longest = if tasks.len() == 1 {
        LONGEST_ANSWER
    } else {
        LONGEST_OF_MANY
    };
    let reply = match link.session.send(&call, TokenUse::Allowed, cancel).await {
        Ok(reply) => reply,
        Err(SessionError::Http(error)) if error.is_retryable() => return (Went::Unknown(error), None),
        Err(error) => return (Went::Failed(error), None),
    };
    let rest = points_anew_in(&reply.headers);
    let went = match reply.status {
        200..=299 => match reply.read(longest).await {
            Ok(answer) if way == Way::Alone && reading => {
                Went::Answered(vec![Reply::alone(answer.status, &answer.body)])
            }
            Ok(answer) => match replies(&answer.body) {
                Ok(replies) => Went::Answered(replies),
                Err(_) => Went::Unknown(busy_error(502, None)),
            },
            Err(HttpError::TooLarge { .. }) if way == Way::Reads && tasks.len() > 1 => Went::TooLarge,
            Err(error) => Went::Unknown(error),
        },
        413 => Went::TooLarge,
        // R4 http, section "transaction response": one OperationOutcome, and nothing was done.
        400 | 404..=406 | 409 | 410 | 412 | 422 if way == Way::Transaction => Went::Refused,
        status @ (400 | 404..=406 | 409 | 410 | 412 | 422) if way == Way::Alone => {
            match reply.read(LONGEST_ANSWER).await {
                Ok(answer) => match Reply::alone(status, &answer.body) {
                    // Not the server's word on the record, but somebody's on the way to it, or on the address.
                    reply if reply.words.is_empty() => Went::Unknown(busy_error(502, None)),
                    reply => Went::Answered(vec![reply]),
                },
                Err(error) => Went::Unknown(error),
            }
        }
        status => {
            let asked = asked_milliseconds(&reply.headers);
            let error = reply.into_error(cancel).await;
            match (status, error) {
                (_, HttpError::Cancelled) => Went::Failed(HttpError::Cancelled.into()),
                (429, error) => Went::Busy(asked.map_or(error, |asked| busy_error(429, Some(asked)))),
                (_, error) if error.is_retryable() => Went::Unknown(error),
                (_, error) => Went::Failed(error.into()),
            }
        }
    };
    (went, rest)
}

/// What looking at tasks before they are sent together came to.
pub struct Looked {
    /// What followed for those that are not to be sent any more.
    pub before: Vec<Next>,
    /// Those that are.
    pub tasks: Vec<Task>,
    /// Why it was not looked at all of them.
    pub failed: Option<(Went, Option<Duration>)>,
}

/// Looks at those tasks of a transaction that are to be looked at first, so that what is written still goes together. Where the server has
/// something else in place of one, none of the others is sent: they may refer to it, and are made anew when they are come to by themselves.
pub async fn look(link: &Link, way: Way, tasks: Vec<Task>, at_most: usize, cancel: &CancellationToken) -> Looked {
    let (mut looking, sent): (Vec<Task>, Vec<Task>) = match way {
        Way::Transaction => tasks.into_iter().partition(|task| task.step == Step::Look),
        _ => (Vec::new(), tasks),
    };
    let mut looked = Looked {
        before: Vec::new(),
        tasks: sent,
        failed: None,
    };
    let mut other = false;
    while !looking.is_empty() && looked.failed.is_none() {
        let rest = looking.split_off(at_most.min(looking.len()));
        let replies = match go(link, Way::Reads, &looking, cancel).await {
            (Went::Answered(replies), _) if replies.len() == looking.len() => replies,
            // Nobody knows which is whose.
            (Went::Answered(_), _) => Vec::new(),
            failed => {
                looked.failed = Some(failed);
                looked.tasks.append(&mut looking);
                looking = rest;
                break;
            }
        };
        for (at, task) in looking.into_iter().enumerate() {
            match task.answered(replies.get(at)) {
                Next::Again(task) | Next::Later(task) => looked.tasks.push(task),
                next => {
                    other |= !matches!(next, Next::Over(Came::Found, ..));
                    looked.before.push(next);
                }
            }
        }
        looking = rest;
    }
    looked.tasks.append(&mut looking);
    if other {
        looked.tasks.clear();
        looked.failed = None;
    } else if looked.failed.is_none()
        && looked
            .tasks
            .iter()
            .any(|task| way == Way::Transaction && task.step == Step::Look)
    {
        looked.failed = Some((Went::Busy(busy_error(429, None)), None));
    }
    looked
}

/// An error that a wait follows from.
pub fn busy_error(status: u16, retry_after: Option<Duration>) -> HttpError {
    HttpError::Status {
        status,
        url: "the batch".to_owned(),
        outcome: String::new(),
        retry_after,
    }
}
