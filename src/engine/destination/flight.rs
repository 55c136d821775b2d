//! One request with records in it, and how it went as a whole.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::link::{LONGEST_ANSWER, LONGEST_OF_MANY, Link};
use super::task::{Came, Next, Step, Task};
use crate::http::{Call, HttpError};
use crate::migration::Bundling;
use crate::source::{SessionError, TokenUse};
use crate::target::remote::{
    Method, Reply, Request, asked_milliseconds, brief, bundle, get_fresh, points_anew_in, replies,
};

/// Servers count waits in seconds.
const SECOND: Duration = Duration::from_secs(1);

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
            // What was written is looked at.
            Err(HttpError::TooLarge { .. }) if tasks.len() > 1 => Went::Unknown(busy_error(502, None)),
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

/// What came back of a bundle.
pub struct Back {
    /// What followed for those of it that were looked at first, and are not to be sent any more.
    pub before: Vec<Next>,
    /// The others.
    pub tasks: Vec<Task>,
    /// They belong in one transaction.
    pub together: bool,
    /// Requests that it took.
    pub requests: u64,
    pub went: Went,
    pub took: Duration,
    /// When it came, by the client's clock.
    pub came: Duration,
    /// The server wants the rest of the minute left alone, by its `RateLimit` header.
    pub rest: Option<Duration>,
}

/// Sends a bundle. Those that belong together, and of which it is not known that the server has nothing in their place, are looked at first, at
/// most `at_once` with one request.
pub async fn fly(
    link: &Link,
    way: Way,
    tasks: Vec<Task>,
    together: bool,
    at_once: usize,
    cancel: &CancellationToken,
) -> Back {
    let started = Instant::now();
    let looked = if together {
        look(link, tasks, at_once, cancel).await
    } else {
        Looked {
            tasks,
            ..Looked::default()
        }
    };
    let (went, rest) = match looked.failed {
        Some(failed) => failed,
        None if looked.tasks.is_empty() => (Went::Answered(Vec::new()), None),
        None => go(link, way, &looked.tasks, cancel).await,
    };
    Back {
        before: looked.before,
        tasks: looked.tasks,
        together,
        requests: looked.requests + 1,
        went,
        took: started.elapsed(),
        came: link.session.http().clock().steady(),
        rest,
    }
}

/// What looking came to.
#[derive(Default)]
struct Looked {
    before: Vec<Next>,
    /// Those that are to be written.
    tasks: Vec<Task>,
    requests: u64,
    /// Why they cannot be yet.
    failed: Option<(Went, Option<Duration>)>,
}

/// Looks at those of a transaction that are to be looked at first. Where the server has something else in place of one, none is written: they may
/// refer to it, and are made anew when they are come to by themselves.
async fn look(link: &Link, tasks: Vec<Task>, at_once: usize, cancel: &CancellationToken) -> Looked {
    let (mut looking, known) = tasks.into_iter().partition::<Vec<_>, _>(|task| task.step == Step::Look);
    let mut looked = Looked {
        tasks: known,
        ..Looked::default()
    };
    while !looking.is_empty() {
        let rest = looking.split_off(at_once.min(looking.len()));
        looked.requests += 1;
        let replies = match go(link, Way::Reads, &looking, cancel).await {
            (Went::Answered(replies), _) if replies.len() == looking.len() => replies,
            // Nobody knows which is whose.
            (Went::Answered(_), _) => Vec::new(),
            failed => {
                looked.tasks.extend(looking);
                looked.tasks.extend(rest);
                looked.failed = Some(failed);
                return looked;
            }
        };
        for (at, task) in looking.into_iter().enumerate() {
            match task.answered(replies.get(at)) {
                Next::Again(task) | Next::Later(task) => looked.tasks.push(task),
                next => looked.before.push(next),
            }
        }
        looking = rest;
    }
    if looked
        .before
        .iter()
        .any(|next| !matches!(next, Next::Over(Came::Found, ..)))
    {
        looked.tasks.clear();
    } else if looked.tasks.iter().any(|task| task.step == Step::Look) {
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

/// What is left to wait for after an answer that `came` at this time, where the last wait was over at `waited`: one that came before
/// is of the trouble that was waited for, unless it asks for longer.
pub fn left_to_wait(error: HttpError, came: Duration, waited: Duration) -> Option<HttpError> {
    if came > waited {
        return Some(error);
    }
    let left = (came + error.retry_after()?).saturating_sub(waited);
    (left > SECOND).then(|| busy_error(error.status().unwrap_or(503), Some(left)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_waited_once_and_the_longest_to_its_end() {
        let at = Duration::from_secs;
        let left = |asked: Option<u64>, came: u64, waited: u64| {
            left_to_wait(busy_error(429, asked.map(at)), at(came), at(waited)).map(|error| error.retry_after())
        };
        // It came after the last wait.
        assert_eq!(left(Some(60), 101, 100), Some(Some(at(60))));
        assert_eq!(left(None, 101, 100), Some(None));
        // It came meanwhile: as long as was waited, by a second more, and by longer.
        assert_eq!(left(Some(60), 40, 100), None);
        assert_eq!(left(Some(61), 40, 100), None);
        assert_eq!(left(Some(90), 40, 100), Some(Some(at(30))));
        assert_eq!(left(None, 40, 100), None);
    }
}
