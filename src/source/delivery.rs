//! What of a file has been handed on, so that nothing is handed on twice or from two versions of it.

use bytes::Bytes;

use crate::store::FileHasher;

/// Where a download goes on after it was interrupted.
#[derive(Clone)]
pub struct ResumePoint {
    /// Decoded bytes that are safely stored.
    pub offset: u64,
    /// The hash over exactly these.
    pub hasher: FileHasher,
    /// The `If-Range` value of the version they came from ([`ByteSink::opened`]), if it is still known.
    pub validator: Option<String>,
}

impl ResumePoint {
    /// The beginning of a file that is hashed by this.
    pub fn start(hasher: FileHasher) -> Self {
        Self {
            offset: 0,
            hasher,
            validator: None,
        }
    }
}

/// The receiver has stopped; why, it knows itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SinkStopped;

/// Whoever takes the decoded bytes of a file.
pub trait ByteSink: Send {
    /// A body begins or goes on; with the strong validator of this version, worth storing for a [`ResumePoint`].
    fn opened(&mut self, validator: Option<&str>) {
        let _ = validator;
    }

    /// Takes the next bytes. Never cancelled in the middle.
    fn write(&mut self, chunk: Bytes) -> impl Future<Output = Result<(), SinkStopped>> + Send;

    /// The file has changed at the source: forget everything taken so far.
    fn restart(&mut self) -> impl Future<Output = Result<(), SinkStopped>> + Send;
}

/// Why bytes could not be handed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Undeliverable {
    /// The file is not the one of which a part was handed on.
    Changed,
    /// The receiver has stopped.
    Stopped,
}

/// The bytes handed on so far and, while a body repeats them, the check that it does.
pub(super) struct Delivery {
    pub(super) offset: u64,
    hasher: FileHasher,
    pub(super) validator: Option<String>,
    repeated: Option<(u64, FileHasher)>,
}

impl Delivery {
    pub(super) fn new(from: ResumePoint) -> Self {
        Self {
            offset: from.offset,
            hasher: from.hasher,
            validator: from.validator,
            repeated: None,
        }
    }

    /// Forgets what was handed on.
    pub(super) fn restart(&mut self) {
        *self = Self::new(ResumePoint::start(self.hasher.anew()));
    }

    /// A body begins, at the start of the file or right after what was handed on.
    pub(super) fn begin(&mut self, at_start: bool) {
        self.repeated = (at_start && self.offset > 0).then(|| (0, self.hasher.anew()));
    }

    /// Hands on what is new of the next bytes of the body.
    pub(super) async fn deliver(&mut self, mut chunk: Bytes, sink: &mut impl ByteSink) -> Result<(), Undeliverable> {
        if let Some((seen, hasher)) = &mut self.repeated {
            let missing = usize::try_from(self.offset - *seen).unwrap_or(usize::MAX);
            let known = chunk.split_to(chunk.len().min(missing));
            hasher.update(&known);
            *seen += known.len() as u64;
            if *seen == self.offset {
                let same = hasher.sum() == self.hasher.sum();
                self.repeated = None;
                if !same {
                    return Err(Undeliverable::Changed);
                }
            }
        }
        if chunk.is_empty() {
            return Ok(());
        }
        self.hasher.update(&chunk);
        self.offset += chunk.len() as u64;
        sink.write(chunk).await.map_err(|SinkStopped| Undeliverable::Stopped)
    }

    /// The body is complete; an error if it was shorter than what was handed on before.
    pub(super) fn end(&mut self) -> Result<(), Undeliverable> {
        if self.repeated.is_some() {
            Err(Undeliverable::Changed)
        } else {
            Ok(())
        }
    }

    /// The hash of the whole file.
    pub(super) fn sum(&self) -> [u8; 32] {
        self.hasher.sum()
    }
}
