//! The faults by name, with one line on what each does: the text of `--fault help`.

use super::fault::Fault;
use super::fault_entry::{Argument, Entry, entry};

/// Every fault: its name, its argument, and one line on what happens.
pub(crate) const FAULTS: &[Entry<Fault>] = &[
    entry!(
        "retry-after-date",
        Argument::None,
        |_| Fault::RetryAfterDate,
        "Retry-After is an HTTP date instead of seconds"
    ),
    entry!(
        "retry-after-epoch",
        Argument::None,
        |_| Fault::RetryAfterEpoch,
        "Retry-After is the time as seconds since 1970"
    ),
    entry!(
        "retry-after-huge",
        Argument::None,
        |_| Fault::RetryAfterHuge,
        "Retry-After asks for five hours"
    ),
    entry!(
        "burst-429",
        Argument::Count(3),
        |v| Fault::Burst429(v.count),
        "the first N status polls and the first N file requests get 429"
    ),
    entry!(
        "burst-503",
        Argument::Count(3),
        |v| Fault::Burst503(v.count),
        "the first N status polls and the first N file requests get 503 and an HTML page"
    ),
    entry!(
        "status-transient",
        Argument::Count(1),
        |v| Fault::StatusTransient(v.count),
        "the first N polls of a job get 500 with an OperationOutcome of code transient"
    ),
    entry!(
        "kickoff-rejected",
        Argument::Times,
        |v| Fault::KickoffRejected(v.times),
        "the first kickoff gets 429; with always, every kickoff gets 400"
    ),
    entry!(
        "token-expires",
        Argument::None,
        |_| Fault::TokenExpires,
        "the first download of each file stops half-way and its token is dead from then on"
    ),
    entry!(
        "cut-once",
        Argument::None,
        |_| Fault::CutOnce,
        "the connection breaks half-way through the first download of each file"
    ),
    entry!(
        "cut-always",
        Argument::None,
        |_| Fault::CutAlways,
        "the connection breaks in the middle of the last file, however often it is asked for"
    ),
    entry!(
        "gzip-cut",
        Argument::Times,
        |v| Fault::GzipCut(v.times),
        "a gzip body ends early inside a complete HTTP response: each file once, or the last file always"
    ),
    entry!(
        "file-expired",
        Argument::Times,
        |v| Fault::FileExpired(v.times),
        "the URLs of the first manifest answer 410 until it is fetched again; with always, the last file stays 410"
    ),
    entry!(
        "other-origin",
        Argument::Word("token"),
        |v| Fault::OtherOrigin { token: v.word },
        "files are on another origin and need no token; with token, the manifest says they need one"
    ),
    entry!(
        "redirect-other-origin",
        Argument::None,
        |_| Fault::RedirectOtherOrigin,
        "file URLs answer 307 to signed URLs on another origin"
    ),
    entry!(
        "malformed-lines",
        Argument::Count(3),
        |v| Fault::MalformedLines(v.count),
        "N lines are cut short, so that they are no JSON"
    ),
    entry!(
        "empty-lines",
        Argument::Count(3),
        |v| Fault::EmptyLines(v.count),
        "N blank lines are put between the others"
    ),
    entry!(
        "mistyped-lines",
        Argument::Count(3),
        |v| Fault::MistypedLines(v.count),
        "N resources claim another type than that of their file"
    ),
    entry!(
        "oversize-lines",
        Argument::Count(32),
        |v| Fault::OversizeLines { mebibytes: v.count },
        "one more line of N MiB is in the last file"
    ),
    entry!(
        "duplicate-lines",
        Argument::Count(4),
        |v| Fault::DuplicateLines(v.count),
        "N resources occur twice, in the same file and in another of their type by turns"
    ),
    entry!(
        "conflicting-duplicate",
        Argument::Count(2),
        |v| Fault::ConflictingDuplicate(v.count),
        "N resources occur twice with different content"
    ),
    entry!(
        "missing-lastupdated",
        Argument::Count(20),
        |v| Fault::MissingLastUpdated(v.count),
        "N resources have no meta.lastUpdated"
    ),
    entry!(
        "bom-crlf",
        Argument::None,
        |_| Fault::BomCrlf,
        "files begin with a byte order mark and lines end in CR LF"
    ),
    entry!(
        "wrong-counts",
        Argument::None,
        |_| Fault::WrongCounts,
        "the manifest counts one line too many in every file"
    ),
    entry!(
        "empty-200",
        Argument::Times,
        |v| Fault::Empty200(v.times),
        "200 with an empty body: each file once, or the last file always"
    ),
    entry!(
        "status-relative",
        Argument::None,
        |_| Fault::StatusRelative,
        "Content-Location of the kickoff is a relative URL"
    ),
    entry!(
        "status-quoted",
        Argument::None,
        |_| Fault::StatusQuoted,
        "Content-Location of the kickoff is in quotes"
    ),
    entry!(
        "stu4-manifest",
        Argument::None,
        |_| Fault::Stu4Manifest,
        "the manifest has outcome instead of error, no request, and no type on outcome and deleted"
    ),
    entry!(
        "clock-skew",
        Argument::Seconds(600),
        |v| Fault::ClockSkew { seconds: v.seconds },
        "the server's clock is N seconds ahead (negative: behind)"
    ),
    entry!(
        "multibyte-split",
        Argument::None,
        |_| Fault::MultibyteSplit,
        "network chunks end in the middle of multi-byte characters"
    ),
    entry!(
        "error-file",
        Argument::Count(2),
        |v| Fault::ErrorFile(v.count),
        "the manifest lists a file of N OperationOutcomes"
    ),
];
