//! What a refusal looks like.

use http::{HeaderValue, Response, header::WWW_AUTHENTICATE};

use crate::{Rejection, metrics};

/// An empty answer that carries its reason.
pub(crate) fn refusal<B: Default>(
    rejection: Rejection,
    challenge: Option<&HeaderValue>,
) -> Response<B> {
    metrics::refused(&rejection);
    let mut response = Response::new(B::default());
    *response.status_mut() = rejection.status();
    // RFC 9110 section 15.5.2: a 401 carries a challenge.
    if let Some(challenge) = challenge {
        response
            .headers_mut()
            .insert(WWW_AUTHENTICATE, challenge.clone());
    }
    response.extensions_mut().insert(rejection);
    response
}
