use std::{error, fmt};

use http::StatusCode;

use crate::KeyError;

/// Why a request was refused. The layer puts it among the extensions of its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rejection {
    /// There is no signature of the scheme's kind. 401, `missing_signature`.
    MissingSignature,
    /// The signature isn't written as the scheme writes it. 400, `malformed_signature`.
    MalformedSignature,
    /// The signature header occurs more than once. 400, `repeated_signature`.
    RepeatedSignature,
    /// More than 16 signatures in one request. 400, `too_many_signatures`.
    TooManySignatures,
    /// Headers under both of the names the scheme may go by. 400, `conflicting_headers`.
    ConflictingHeaders,
    /// The scheme's timestamp is absent. 400, `missing_timestamp`.
    MissingTimestamp,
    /// The timestamp isn't written as the scheme writes it, or is there twice. 400,
    /// `malformed_timestamp`.
    MalformedTimestamp,
    /// The timestamp is too far from our clock, before or after. 401, `outside_tolerance`.
    OutsideTolerance,
    /// The signed id is absent. 400, `missing_id`.
    MissingId,
    /// The signed id is there more than once. 400, `repeated_id`.
    RepeatedId,
    /// Something the scheme signs is absent, or there more than once. 400, `missing_field`.
    MissingField,
    /// None of the secrets gives the signature in the request. 401, `wrong_signature`.
    WrongSignature,
    /// The body isn't what its signed digest says, or has none. 401, `wrong_digest`.
    WrongDigest,
    /// There are no secrets for whoever the request says it is from. 401, `unknown_sender`.
    UnknownSender,
    /// The secrets couldn't be looked up. 503, `secrets_unavailable`.
    SecretsUnavailable,
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
            Self::TooManySignatures => "too_many_signatures",
            Self::ConflictingHeaders => "conflicting_headers",
            Self::MissingTimestamp => "missing_timestamp",
            Self::MalformedTimestamp => "malformed_timestamp",
            Self::OutsideTolerance => "outside_tolerance",
            Self::MissingId => "missing_id",
            Self::RepeatedId => "repeated_id",
            Self::MissingField => "missing_field",
            Self::WrongSignature => "wrong_signature",
            Self::WrongDigest => "wrong_digest",
            Self::UnknownSender => "unknown_sender",
            Self::SecretsUnavailable => "secrets_unavailable",
            Self::BodyTooLarge { .. } => "body_too_large",
            Self::BodyTooSlow => "body_too_slow",
            Self::BodyUnreadable => "body_unreadable",
        }
    }

    /// The status to answer with: 400, 401, 408, 413 or 503.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::MissingSignature
            | Self::WrongSignature
            | Self::OutsideTolerance
            | Self::WrongDigest
            | Self::UnknownSender => StatusCode::UNAUTHORIZED,
            Self::BodyTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyTooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::SecretsUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

impl From<KeyError> for Rejection {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Unknown => Self::UnknownSender,
            KeyError::Unavailable => Self::SecretsUnavailable,
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::BodyTooLarge { limit } = self {
            return write!(f, "the webhook's body exceeds {limit} bytes");
        }
        f.write_str(match self {
            Self::MissingSignature => "the webhook isn't signed",
            Self::MalformedSignature => "the webhook's signature is malformed",
            Self::RepeatedSignature => "the webhook carries more than one signature",
            Self::TooManySignatures => "the webhook carries too many signatures",
            Self::ConflictingHeaders => "the webhook's headers contradict each other",
            Self::MissingTimestamp => "the webhook carries no timestamp",
            Self::MalformedTimestamp => "the webhook's timestamp is malformed",
            Self::OutsideTolerance => "the webhook's timestamp is too far from now",
            Self::MissingId => "the webhook carries no id",
            Self::RepeatedId => "the webhook carries more than one id",
            Self::MissingField => "the webhook lacks something that is signed",
            Self::WrongSignature => "the webhook's signature is wrong",
            Self::WrongDigest => "the webhook's body isn't the one that was signed",
            Self::UnknownSender => "the webhook's sender isn't known",
            Self::SecretsUnavailable => "the webhook's secrets can't be looked up",
            Self::BodyTooLarge { .. } | Self::BodyTooSlow => "the webhook's body took too long",
            Self::BodyUnreadable => "the webhook's body broke off",
        })
    }
}

impl error::Error for Rejection {}
