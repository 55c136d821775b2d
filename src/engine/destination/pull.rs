//! The server's own records, read into the store, so that whom the source's patients are, and what is in conflict, is decided with them.

use std::borrow::Cow;
use std::io::{self, Read};
use std::sync::Arc;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::super::error::EngineError;
use super::super::import::{Import, import};
use super::deliver::Delivering;
use super::likeness::tenant;
use super::link::{LONGEST_ANSWER, Link, link};
use super::queue::BUNDLE;
use crate::http::{HttpError, same_origin};
use crate::migration::{ByType, Event, write_order};
use crate::source::{SessionError, TokenUse};
use crate::store::{Storage, migration_key};
use crate::target::remote::{Found, get_fresh};

/// Records of a page.
const PAGE: u32 = 200;
/// Bytes of a page of several records; where they are more, fewer are asked for.
const LONGEST_PAGE: usize = 2 * BUNDLE;
/// Pages that wait to be taken in.
const WAITING: usize = 1;

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow, default)]
    entry: Vec<Entry<'a>>,
    #[serde(default)]
    link: Vec<PageLink>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow, default)]
    resource: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct PageLink {
    relation: String,
    url: String,
}

/// Reads the server's own records into the store; those that a delivery put there and nobody changed since are left out.
pub async fn pull(job: Delivering) -> Result<ByType, EngineError> {
    let link = link(&job.storage, &job.plan, Arc::clone(&job.clock), &job.cancel).await?;
    let mut types: Vec<String> = Vec::new();
    let only = link.destination.kind.only();
    for name in link
        .ability
        .types()
        .filter(|name| only.is_none_or(|types| types.contains(name)))
        .filter(|name| !link.destination.kind.unsearched().contains(name))
    {
        if link.count(name, &job.cancel).await?.is_none_or(|count| count > 0) {
            types.push(name.to_owned());
        }
    }
    types.sort_by_key(|name| (write_order(name), name.clone()));
    let (mut files, mut outs) = (Vec::new(), Vec::new());
    for name in types {
        let (out, pages) = mpsc::channel(WAITING);
        let bytes = Box::new(Pages {
            pages,
            page: Bytes::new(),
        });
        files.push(Import {
            name: format!("{name} of {}", link.destination.base_url),
            resource_type: Some(name.clone()),
            bytes,
        });
        outs.push((name, out));
    }
    let reader = Reader {
        storage: Arc::clone(&job.storage),
        migration: job.plan.id.clone(),
        tenant: job.storage.names.tenant(&job.plan.tenant)?,
        tenant_name: job.plan.tenant.clone(),
        link,
        cancel: job.cancel.clone(),
    };
    let reading = tokio::spawn(async move {
        for (name, out) in outs {
            reader.read(&name, &out).await?;
        }
        Ok::<_, EngineError>(())
    });
    let imported = import(&job.storage, &job.plan.tenant, files.into_iter(), job.snapshot.clone()).await;
    // What failed first is what matters.
    reading.await.map_err(|_| EngineError::Stopped)??;
    let counts = imported?;
    job.recorder
        .record(&Event::DestinationRead { counts: counts.clone() })?;
    Ok(counts)
}

struct Reader {
    storage: Arc<Storage>,
    migration: String,
    tenant: u16,
    tenant_name: String,
    link: Link,
    cancel: CancellationToken,
}

impl Reader {
    /// Reads all records of a type, page by page (R4 http, section "paging").
    async fn read(&self, name: &str, out: &mpsc::Sender<io::Result<Bytes>>) -> Result<(), EngineError> {
        let session = &self.link.session;
        let mut url = session.at(name);
        url.set_query(Some(&format!("_count={PAGE}")));
        let mut next = Some(url);
        while let Some(url) = next {
            let call = get_fresh(url.clone());
            let fewer = fewer(&url);
            let longest = if fewer.is_some() { LONGEST_PAGE } else { LONGEST_ANSWER };
            let answer = match session.read(&call, TokenUse::Allowed, longest, &self.cancel).await {
                Err(SessionError::Http(HttpError::TooLarge { .. })) if fewer.is_some() => {
                    next = fewer;
                    continue;
                }
                answer => answer.map_err(|e| EngineError::source(&e, e.hint()))?,
            };
            if !answer.is_success() {
                // A reader that stops in the middle must not pass for the whole.
                let _ = out.send(Err(io::ErrorKind::UnexpectedEof.into())).await;
                let error = answer.to_error();
                return Err(EngineError::source(&error, error.hint()));
            }
            let page = serde_json::from_slice::<Page<'_>>(&answer.body);
            let page = page.map_err(|_| EngineError::NotReady {
                what: format!("{} gives something else than a page of a search", session.base()),
                hint: "check the base URL and the version of the server".to_owned(),
            })?;
            let mut lines = Vec::new();
            for raw in page.entry.iter().filter_map(|entry| entry.resource) {
                self.take(name, answer.body.slice_ref(raw.get().as_bytes()), &mut lines)?;
            }
            if !lines.is_empty() && out.send(Ok(lines.into())).await.is_err() {
                return Ok(());
            }
            next = self.next(&url, &page.link)?;
        }
        Ok(())
    }

    fn take(&self, name: &str, record: Bytes, lines: &mut Vec<u8>) -> Result<(), EngineError> {
        let Some(found) = Found::read(record) else {
            return Ok(());
        };
        if tenant(&found.record).is_some_and(|tenant| tenant == self.tenant_name) {
            let key = self.storage.key(self.tenant, name, &found.id)?;
            let known = self
                .storage
                .deliveries
                .get(&migration_key(&self.migration, key.as_bytes()))?;
            let edited = known.is_some_and(|known| known.is_there() && known.version != found.version);
            if !edited {
                return Ok(());
            }
        }
        // One record, one line, whatever white space the server puts in.
        let value: serde_json::Value = serde_json::from_slice(&found.record).unwrap_or_default();
        lines.extend_from_slice(value.to_string().as_bytes());
        lines.push(b'\n');
        Ok(())
    }

    fn next(&self, url: &Url, links: &[PageLink]) -> Result<Option<Url>, EngineError> {
        let Some(next) = links.iter().find(|link| link.relation == "next") else {
            return Ok(None);
        };
        let next = self.link.session.resolve(url, &next.url);
        match next {
            Some(next) if same_origin(&next, url) => Ok(Some(next)),
            _ => Err(EngineError::NotReady {
                what: "the server's next page is at another origin".to_owned(),
                hint: "have the server's base URL set to the address that it is reached at".to_owned(),
            }),
        }
    }
}

/// The same page with half as many records, if it says how many it has, and they are more than one. A server that numbers pages gives earlier
/// ones then: records come again, which does no harm, and none is left out.
fn fewer(url: &Url) -> Option<Url> {
    let count = |(name, value): (Cow<'_, str>, Cow<'_, str>)| (name == "_count").then(|| value.parse::<u32>().ok())?;
    let half = url.query_pairs().find_map(count)?.div_euclid(2);
    if half == 0 {
        return None;
    }
    let mut fewer = url.clone();
    fewer
        .query_pairs_mut()
        .clear()
        .extend_pairs(url.query_pairs().map(|(name, value)| match &*name {
            "_count" => (name, Cow::Owned(half.to_string())),
            _ => (name, value),
        }));
    Some(fewer)
}

/// Pages as one stream of lines.
struct Pages {
    pages: mpsc::Receiver<io::Result<Bytes>>,
    page: Bytes,
}

impl Read for Pages {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.page.is_empty() {
            match self.pages.blocking_recv() {
                Some(page) => self.page = page?,
                None => return Ok(0),
            }
        }
        let take = self.page.len().min(into.len());
        into[..take].copy_from_slice(&self.page.split_to(take));
        Ok(take)
    }
}
