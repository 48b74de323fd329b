use std::{error, fmt};

use http::StatusCode;

/// Why a request was refused. The layer puts it among the extensions of its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rejection {
    /// The scheme's signature header is absent. 401, `missing_signature`.
    MissingSignature,
    /// The signature header isn't written as the scheme writes it. 400, `malformed_signature`.
    MalformedSignature,
    /// The signature header occurs more than once. 400, `repeated_signature`.
    RepeatedSignature,
    /// None of the secrets gives the signature in the header. 401, `wrong_signature`.
    WrongSignature,
    /// The body exceeds the limit, or says it will. 413, `body_too_large`.
    BodyTooLarge {
        /// The limit in bytes.
        limit: u64,
    },
    /// The body wasn't complete in time. 408, `body_too_slow`.
    BodyTooSlow,
    /// The body broke off, or its framing was wrong. 400, `body_unreadable`.
    BodyUnreadable,
}

impl Rejection {
    /// A short stable name, for logs, metrics and problem documents.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::MissingSignature => "missing_signature",
            Self::MalformedSignature => "malformed_signature",
            Self::RepeatedSignature => "repeated_signature",
            Self::WrongSignature => "wrong_signature",
            Self::BodyTooLarge { .. } => "body_too_large",
            Self::BodyTooSlow => "body_too_slow",
            Self::BodyUnreadable => "body_unreadable",
        }
    }

    /// The status to answer with: 400, 401, 408 or 413.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::MissingSignature | Self::WrongSignature => StatusCode::UNAUTHORIZED,
            Self::MalformedSignature | Self::RepeatedSignature | Self::BodyUnreadable => {
                StatusCode::BAD_REQUEST
            }
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyTooSlow => StatusCode::REQUEST_TIMEOUT,
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingSignature => f.write_str("the webhook isn't signed"),
            Self::MalformedSignature => f.write_str("the webhook's signature is malformed"),
            Self::RepeatedSignature => f.write_str("the webhook carries more than one signature"),
            Self::WrongSignature => f.write_str("the webhook's signature is wrong"),
            Self::BodyTooLarge { limit } => {
                write!(f, "the webhook's body exceeds {limit} bytes")
            }
            Self::BodyTooSlow => f.write_str("the webhook's body took too long"),
            Self::BodyUnreadable => f.write_str("the webhook's body broke off"),
        }
    }
}

impl error::Error for Rejection {}
