//! Reading the EHR: finding it, getting a token, asking for an export, and fetching it to the last byte.
//!
//! In the order in which a migration uses them:
//!
//! 1. [`discover`] asks what the EHR can do; every value says where it came from ([`Sourced`]).
//! 2. [`PrivateKey`] is our key, [`Jwks`] what is published of it, [`check_published`] looks at that as the EHR will.
//! 3. [`TokenSource`] gets tokens once for all workers; a [`Session`] puts them on requests, and only where they may go.
//! 4. [`KickoffRequest`] shows and sends the request for an export; [`poll_once`] and [`Schedule`] follow it;
//!    [`Manifest`] lists its files, page by page ([`PageWalk`]).
//! 5. [`fetch`] downloads a file into a [`ByteSink`], [`LineSplitter`] finds its lines, [`fetch_attachment`] gets a document.
//! 6. [`delete_job`] tells the EHR that it is done; [`LogItem`] is what the export log says of it all.
//! 7. [`read_statement`] reads what our key has signed for people, such as a report.

mod attachment;
mod capability;
mod delete;
mod delivery;
mod discovery;
mod download;
mod download_error;
mod export_log;
mod gunzip;
mod jwk;
mod jwks_check;
mod key;
mod key_import;
mod kickoff;
mod kickoff_error;
mod kickoff_request;
mod manifest;
mod poll;
mod scope;
mod session;
mod statement;
mod token;
mod token_error;
mod token_request;

pub use attachment::{AttachmentError, BinaryLine, NotGiven, fetch_attachment};
pub use capability::{Capability, ExportOperations, TypeSupport};
pub use delete::{Deletion, delete_job};
pub use delivery::{ByteSink, ResumePoint, SinkStopped};
pub use discovery::{Discovered, DiscoveryNote, Known, Origin, Sourced, discover};
pub use download::{Fetched, fetch};
pub use download_error::DownloadError;
pub use export_log::{ItemType, LogEvent, LogItem};
pub use jwk::{Jwks, KeyAlgorithm, PublicJwk, PublicNumbers};
pub use jwks_check::{FindingLevel, JwksCheck, JwksFinding, check_published};
pub use key::{KeyError, PrivateKey};
pub use kickoff::KickoffReply;
pub use kickoff_error::KickoffError;
pub use kickoff_request::{Edition, KickoffRequest, Level};
pub use manifest::{Access, FileKind, Manifest, ManifestError, ManifestNote, OutputFile, PageWalk};
pub use poll::{PollError, PollReply, Schedule, poll_once};
pub use scope::{not_granted, unreadable};
pub use session::{Session, SessionError, TokenUse};
pub use statement::{Signed, StatementError, read_statement};
pub use token::{Bearer, TokenSource};
pub use token_error::{Refusal, TokenError};
pub use token_request::{ClientAuth, TokenSettings};
