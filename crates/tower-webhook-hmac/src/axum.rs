//! `Verified` as an argument of a handler.

use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use http::{StatusCode, request::Parts};

use crate::Verified;

/// What the layer has put there.
///
/// Answers 500 on a route that no [`VerifyWebhookLayer`](crate::VerifyWebhookLayer) guards: that
/// is a mistake of the server, and nothing a request can change.
impl<S: Sync> FromRequestParts<S> for Verified {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        let verified = parts.extensions.get::<Self>();
        verified.cloned().ok_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

/// `None` on a route that no layer guards.
impl<S: Sync> OptionalFromRequestParts<S> for Verified {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Self::Rejection> {
        Ok(parts.extensions.get::<Self>().cloned())
    }
}
