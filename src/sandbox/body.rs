//! How a file's bytes travel: gzipped, cut off, or split inside characters.

use std::io::{self, Write};
use std::ops::ControlFlow;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::stream;
use tokio::sync::mpsc;

use super::content;
use super::ehr::Ehr;
use super::job::Job;

/// Pieces on their way at once.
const IN_FLIGHT: usize = 4;
/// Largest piece when characters are to be split.
const SPLIT_PIECE: usize = 8 * 1024;

/// One delivery of a file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Delivery {
    /// First byte, of the identity form.
    pub from: u64,
    /// End of the range asked for, exclusive.
    pub to: Option<u64>,
    pub gzip: bool,
    /// Whether pieces end inside multi-byte characters.
    pub split: bool,
    pub cut: Option<Cut>,
}

/// Where and how a delivery fails.
#[derive(Debug, Clone)]
pub(crate) struct Cut {
    /// Offset in the identity form.
    pub at: u64,
    /// Whether the HTTP response ends properly, so that only the gzip trailer is missing.
    pub proper_end: bool,
    /// A token that dies with it.
    pub revoke: Option<String>,
}

/// The body of a delivery, made by a thread of its own as fast as the client reads it.
pub(crate) fn body(ehr: Arc<Ehr>, job: Arc<Job>, name: String, delivery: Delivery) -> Body {
    let (sender, receiver) = mpsc::channel(IN_FLIGHT);
    tokio::task::spawn_blocking(move || deliver(&ehr, &job, &name, delivery, sender));
    Body::from_stream(stream::unfold(receiver, |mut receiver| async move {
        let piece: io::Result<Bytes> = receiver.recv().await?;
        if piece.is_err() {
            // Lets the server flush what came before, or the client would see none of it.
            tokio::task::yield_now().await;
        }
        Some((piece, receiver))
    }))
}

fn deliver(ehr: &Ehr, job: &Job, name: &str, delivery: Delivery, sender: mpsc::Sender<io::Result<Bytes>>) {
    let Some(file) = job.plan.get().and_then(|plan| plan.file(name)) else {
        return;
    };
    let mut out = Out {
        sender,
        gzip: delivery.gzip.then(|| GzEncoder::new(Vec::new(), Compression::fast())),
        split: delivery.split,
    };
    let end = delivery
        .cut
        .as_ref()
        .map(|cut| cut.at.max(delivery.from))
        .into_iter()
        .chain(delivery.to)
        .min();
    let mut left = end.map(|end| end - delivery.from.min(end));
    let mut reached_end = left == Some(0);
    let flow = if reached_end {
        ControlFlow::Break(())
    } else {
        content::write(ehr, job, file, delivery.from, &mut |mut piece| {
            if let Some(left) = &mut left {
                piece.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= piece.len() as u64;
                reached_end = *left == 0;
            }
            out.send(piece)?;
            if reached_end {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })
    };
    match delivery.cut {
        Some(cut) => {
            if let Some(token) = cut.revoke {
                ehr.authority.tokens.revoke(&token);
            }
            out.stop(cut.proper_end);
        }
        None if flow.is_continue() || reached_end => out.finish(),
        None => out.stop(false),
    }
}

struct Out {
    sender: mpsc::Sender<io::Result<Bytes>>,
    gzip: Option<GzEncoder<Vec<u8>>>,
    split: bool,
}

impl Out {
    fn send(&mut self, piece: Vec<u8>) -> ControlFlow<()> {
        match &mut self.gzip {
            Some(encoder) => {
                if encoder.write_all(&piece).is_err() {
                    return ControlFlow::Break(());
                }
                let compressed = std::mem::take(encoder.get_mut());
                self.pass(compressed)
            }
            None if self.split => split_points(&piece).try_for_each(|part| self.pass(part.to_vec())),
            None => self.pass(piece),
        }
    }

    fn pass(&self, bytes: Vec<u8>) -> ControlFlow<()> {
        if bytes.is_empty() || self.sender.blocking_send(Ok(Bytes::from(bytes))).is_ok() {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    }

    fn finish(mut self) {
        if let Some(rest) = self.gzip.take().and_then(|encoder| encoder.finish().ok()) {
            let _ = self.pass(rest);
        }
    }

    /// Ends without the rest: the connection breaks, or only the gzip trailer is missing.
    fn stop(mut self, proper_end: bool) {
        if let Some(mut encoder) = self.gzip.take() {
            let _ = encoder.flush();
            let so_far = std::mem::take(encoder.get_mut());
            let _ = self.pass(so_far);
        }
        if !proper_end {
            let _ = self.sender.blocking_send(Err(io::Error::new(
                io::ErrorKind::ConnectionAborted,
                "cut off on purpose",
            )));
        }
    }
}

/// Divides a piece so that, wherever it can be, a part ends after the first byte of a multi-byte character.
fn split_points(piece: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = piece;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let window = &rest[..rest.len().min(SPLIT_PIECE)];
        let end = window
            .iter()
            .rposition(|byte| *byte >= 0xC0)
            .map_or(window.len(), |lead| lead + 1);
        let (part, after) = rest.split_at(end);
        rest = after;
        Some(part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_end_inside_characters_and_add_up() {
        let text = "häuser und 漢字 🙂 end".repeat(2000);
        let parts: Vec<&[u8]> = split_points(text.as_bytes()).collect();
        assert_eq!(parts.concat(), text.as_bytes());
        let inside = parts.iter().filter(|part| std::str::from_utf8(part).is_err()).count();
        assert!(inside + 1 >= parts.len() && inside > 3);
    }
}
