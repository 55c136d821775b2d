//! What can go wrong between this machine and a server, in one sentence each.

use std::time::Duration;

/// A failed call. Its texts hold no token, no query signature and no body beyond the server's own words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// `http` to another machine.
    #[error("refused to speak plain http to {url}: a token or a record could be read on the way")]
    PlainHttpRefused {
        /// The URL, redacted.
        url: String,
    },
    /// Neither `http` nor `https`.
    #[error("refused a URL that begins with \"{scheme}:\": only https is spoken")]
    BadScheme {
        /// The scheme.
        scheme: String,
    },
    /// No connection.
    #[error("could not reach {host}: {reason}")]
    Unreachable {
        /// Host and port.
        host: String,
        /// Why, such as "connection refused".
        reason: String,
    },
    /// No secure connection.
    #[error("no secure connection to {host}: {problem}")]
    Tls {
        /// Host and port.
        host: String,
        /// What was wrong.
        problem: TlsProblem,
    },
    /// Nothing came in time.
    #[error("{host} did not answer in time while {waiting}")]
    TimedOut {
        /// Host and port.
        host: String,
        /// What for.
        waiting: Waiting,
    },
    /// The connection broke.
    #[error("the connection to {host} broke after {got} bytes of the answer")]
    Broken {
        /// Host and port.
        host: String,
        /// Bytes of the body that came.
        got: u64,
    },
    /// Redirected in circles.
    #[error("{url} sent us on more than {hops} times")]
    TooManyRedirects {
        /// The URL first asked for, redacted.
        url: String,
        /// How many redirects were followed.
        hops: usize,
    },
    /// Redirected to where nobody should go.
    #[error("{url} sent us on to {to}, which was refused: {why}")]
    RedirectRefused {
        /// The URL that answered, redacted.
        url: String,
        /// The target, redacted.
        to: String,
        /// Why.
        why: &'static str,
    },
    /// An answer with a status that means failure.
    #[error("{url} answered {status}{}", quoted(.outcome))]
    Status {
        /// The status.
        status: u16,
        /// The URL, redacted.
        url: String,
        /// The server's own words; may be empty.
        outcome: String,
        /// What `Retry-After` asked for.
        retry_after: Option<Duration>,
    },
    /// A body that does not fit into what it was meant for.
    #[error("the answer of {url} is larger than {limit} bytes")]
    TooLarge {
        /// The URL, redacted.
        url: String,
        /// The limit.
        limit: usize,
    },
    /// A call that cannot even be made.
    #[error("the request to {host} could not be built: {reason}")]
    BadRequest {
        /// Host and port.
        host: String,
        /// Why.
        reason: String,
    },
    /// The extra authority file is unusable.
    #[error("cannot use the certificate authorities in {path}: {reason}")]
    Authorities {
        /// The file.
        path: String,
        /// Why.
        reason: String,
    },
    /// Somebody stopped it.
    #[error("stopped")]
    Cancelled,
}

/// What was wrong with a TLS handshake.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsProblem {
    /// Signed by nobody we know.
    #[error("its certificate is signed by an authority this machine does not trust")]
    UnknownAuthority,
    /// Too old.
    #[error("its certificate has expired")]
    Expired,
    /// Too new.
    #[error("its certificate is not valid yet")]
    NotYetValid,
    /// For another name.
    #[error("its certificate is for another host name")]
    WrongHost,
    /// Withdrawn.
    #[error("its certificate has been revoked")]
    Revoked,
    /// Older than TLS 1.2, or nothing in common.
    #[error("it offers no TLS version or cipher that is still safe (1.2 or newer)")]
    TooOld,
    /// Not TLS at all.
    #[error("it does not speak TLS on this port")]
    NotTls,
    /// Something else, in the words of the TLS library.
    #[error("{0}")]
    Other(String),
}

/// What was waited for when the time ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Waiting {
    /// A connection.
    #[error("connecting")]
    Connection,
    /// The head of the answer.
    #[error("waiting for its answer")]
    Answer,
    /// The next piece of the body.
    #[error("sending the body of its answer")]
    Body,
}

impl HttpError {
    /// True if the same call may succeed later: the network, 408, 429 and 5xx.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::TimedOut { .. } | Self::Broken { .. } => true,
            Self::Status { status, .. } => retryable_status(*status),
            _ => false,
        }
    }

    /// The status, if there was an answer.
    pub fn status(&self) -> Option<u16> {
        if let Self::Status { status, .. } = self {
            Some(*status)
        } else {
            None
        }
    }

    /// What the server asked for in `Retry-After`, unclamped.
    pub fn retry_after(&self) -> Option<Duration> {
        if let Self::Status { retry_after, .. } = self {
            *retry_after
        } else {
            None
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::PlainHttpRefused { .. } => {
                "use the https address; plain http is allowed only to this machine (127.0.0.1, localhost)"
            }
            Self::BadScheme { .. } => "check the address: it must begin with https://",
            Self::Unreachable { reason, .. } if reason.contains("name") => {
                "check the spelling of the host, then DNS and VPN on this machine"
            }
            Self::Unreachable { .. } => {
                "check host and port, then the firewall, VPN and proxy settings (HTTPS_PROXY) of this machine"
            }
            Self::Tls { problem, .. } => return Some(problem.hint().to_owned()),
            Self::TimedOut { .. } => {
                "the server or the way to it is slow; try again, or ask its operators whether it is busy"
            }
            Self::Broken { .. } => {
                "try again; if it always breaks at the same place, a proxy or firewall may limit sizes or times"
            }
            Self::TooManyRedirects { .. } => {
                "check the address: the server sends requests for it in circles"
            }
            Self::RedirectRefused { .. } => {
                "ask the server's operators for the final address, and use that"
            }
            Self::Status { status: 401, .. } => {
                "the server did not accept the token: check the granted scopes and that the app is activated"
            }
            Self::Status { status: 403, .. } => {
                "the server knows us and says no: check the granted scopes"
            }
            Self::Status { status: 404, .. } => {
                "check the base address (tenant or practice code included) and the id"
            }
            Self::Status { status: 429, .. } => {
                "the server asks for fewer requests; wait, or lower the request budget"
            }
            Self::Status {
                status: 500..=599, ..
            } => {
                "the server failed; try again later, and if it stays so show this to its operators"
            }
            Self::Authorities { .. } => {
                "the file must hold one or more certificates in PEM form (-----BEGIN CERTIFICATE-----)"
            }
            Self::Status { .. }
            | Self::TooLarge { .. }
            | Self::BadRequest { .. }
            | Self::Cancelled => return None,
        };
        Some(hint.to_owned())
    }
}

impl TlsProblem {
    /// Reads the problem out of the words of the TLS library, or says that the words are not about TLS.
    pub(super) fn read(words: &str) -> Option<Self> {
        let has = |text: &str| words.contains(text);
        if has("UnknownIssuer") || has("CaUsedAsEndEntity") || has("self-signed") {
            Some(Self::UnknownAuthority)
        } else if has("NotValidForName") || has("not valid for name") {
            Some(Self::WrongHost)
        } else if has("NotValidYet") || has("not valid yet") {
            Some(Self::NotYetValid)
        } else if has("invalid peer certificate") && (has("Expired") || has("expired")) {
            Some(Self::Expired)
        } else if has("Revoked") {
            Some(Self::Revoked)
        } else if has("ProtocolVersion") || has("HandshakeFailure") || has("peer is incompatible") {
            Some(Self::TooOld)
        } else if has("InvalidContentType") || has("corrupt message") {
            Some(Self::NotTls)
        } else if has("invalid peer certificate") || has("received fatal alert") {
            Some(Self::Other(words.to_owned()))
        } else {
            None
        }
    }

    fn hint(&self) -> &'static str {
        match self {
            Self::UnknownAuthority => {
                "if a company proxy or private authority signs it, give its certificate with --ca-file or add it to the system's store; otherwise do not go on"
            }
            Self::Expired | Self::NotYetValid => {
                "check the clock of this machine; if it is right, the server's operators must renew the certificate"
            }
            Self::WrongHost => "check the spelling of the host: another server may be answering",
            Self::Revoked => "do not go on; tell the server's operators",
            Self::TooOld => "the server's operators must enable TLS 1.2 or 1.3",
            Self::NotTls => "check the port: plain http may be served there",
            Self::Other(_) => "show this to the server's operators",
        }
    }
}

/// True for statuses after which the same call may succeed later.
pub(super) fn retryable_status(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500 | 502..=504 | 507 | 509 | 520..=599)
}

fn quoted(outcome: &str) -> String {
    if outcome.is_empty() {
        String::new()
    } else {
        format!(": {outcome}")
    }
}
