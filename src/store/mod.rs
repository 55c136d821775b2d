//! What is on disk: everything that can hold a patient's data or a secret is sealed by the [`Vault`].
//!
//! - `vault`, `vault_file`, `secret`, `sealer`: the data key, what unlocks it, and sealing with it.
//! - `ledger`, `table`, `handle`, `snapshot`, `sled_log`, `witness`: small sealed records in sled, and opening it after a crash.
//! - `deliveries`: what is known of each record at a destination, in fjall as the index.
//! - `journal`: the audit trail. `operator`: who is at the keyboard.
//! - `workspace`, `workspace_lock`: the folder that holds it all, for one process at a time.
//! - `wipe`: a workspace destroyed, all but the evidence.
//! - `private`: files and folders that only their owner can read.

mod file_hash;
mod handle;
mod journal;
mod ledger;
mod operator;
mod private;
mod sealer;
mod secret;
mod sled_log;
mod snapshot;
mod table;
mod vault;
mod vault_file;
mod wipe;
mod witness;
mod workspace;
mod workspace_lock;

pub use file_hash::FileHasher;
pub use journal::{ChainHead, Entry as JournalEntry, Journal, JournalError};
pub use ledger::{Ledger, LedgerError, Repair};
pub use operator::operator;
pub use private::{FileError, create_folder, read_file, replace_file, require_private, sync_folder};
pub use sealer::{KeyedHasher, NONCE_LEN, OVERHEAD, Sealer, TAG_LEN, Unauthentic};
pub use secret::{Secret, create_key_file};
pub use table::Table;
pub use vault::Vault;
pub use vault_file::VaultError;
pub use wipe::Wiped;
pub use workspace::{Workspace, WorkspaceError};
pub use workspace_lock::Holder;

mod aside;
mod block;
mod checkpoint;
mod deliveries;
mod entry;
mod index;
mod names;
mod reversal;
mod segment;
mod storage;
mod tables;

pub use aside::Aside;
pub use block::{BlockError, BlockHeader, BlockKind, BlockWriter, MAX_RAW_LEN, Piece, TARGET_LEN};
pub use checkpoint::{CheckpointError, Tail, Writer};
pub use deliveries::{Deliveries, DeliveriesError};
pub use entry::{Entry, RecordKey, RowId};
pub use index::{Index, IndexError, Pending};
pub use names::Names;
pub use reversal::Reversal;
pub use segment::{Location, SegmentError, Segments};
pub use storage::Storage;
pub use tables::{
    AmendedRow, ConflictRow, HeldRow, Link, Progress, QuarantinedRow, RunInfo, Tables, block_key, block_of, file_key,
    held_key, migration_key, row_key, row_of, run_key,
};
