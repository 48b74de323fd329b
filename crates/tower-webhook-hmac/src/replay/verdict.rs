use std::fmt;

use http::{HeaderName, HeaderValue, Response, StatusCode, header::RETRY_AFTER};

use super::ReplayError;

/// Stands in the answer to a duplicate.
const DUPLICATE: HeaderName = HeaderName::from_static("webhook-duplicate");

/// Why a verified delivery wasn't handled. The guard puts it among the extensions of its answer, or
/// of a duplicate that it [forwards](super::ReplayGuardLayer::forward_duplicates).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Replay {
    /// It was handled before. 200 with `webhook-duplicate: true`, `duplicate`.
    Duplicate,
    /// It is being handled. 409, `in_flight`.
    InFlight,
    /// The store holds as many as it may. 503, `store_full`.
    StoreFull,
    /// The store can't be reached. 503, `store_unavailable`.
    StoreUnavailable,
    /// No [`Verified`](crate::Verified) among the request's extensions: the guard has to stand
    /// inside the layer that verifies. 503, `unverified`.
    Unverified,
}

impl Replay {
    /// A short stable name, for logs, metrics and problem documents.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Duplicate => "duplicate",
            Self::InFlight => "in_flight",
            Self::StoreFull => "store_full",
            Self::StoreUnavailable => "store_unavailable",
            Self::Unverified => "unverified",
        }
    }

    /// The status to answer with: 200, 409 or 503.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Duplicate => StatusCode::OK,
            Self::InFlight => StatusCode::CONFLICT,
            _ => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    pub(super) fn answer<B: Default>(self) -> Response<B> {
        let mut response = Response::new(B::default());
        *response.status_mut() = self.status();
        let (name, value) = match self {
            Self::Duplicate => (DUPLICATE, "true"),
            _ => (RETRY_AFTER, "1"),
        };
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
        response.extensions_mut().insert(self);
        response
    }
}

impl From<ReplayError> for Replay {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::Full => Self::StoreFull,
            ReplayError::Unavailable => Self::StoreUnavailable,
        }
    }
}

impl fmt::Display for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Duplicate => "the webhook was handled before",
            Self::InFlight => "the webhook is being handled",
            Self::StoreFull => "no more webhooks can be remembered",
            Self::StoreUnavailable => "it can't be said whether the webhook was handled before",
            Self::Unverified => "the webhook wasn't verified",
        })
    }
}

impl std::error::Error for Replay {}
