use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime},
};

use http::{
    HeaderValue, Request, Response, StatusCode, Version,
    header::{CONNECTION, CONTENT_LENGTH, RETRY_AFTER, WWW_AUTHENTICATE},
};
use http_body::Body;

use crate::{Rejection, Scheme, claim::Claim};

/// What the layer was told, and the two decisions that need nothing else: may this body be read,
/// and what does a refusal look like.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    pub(crate) scheme: Scheme,
    /// In bytes.
    pub(crate) max_body: u64,
    pub(crate) body_deadline: Duration,
    pub(crate) clock: Clock,
}

/// Says what time it is.
#[derive(Clone)]
pub(crate) struct Clock(pub(crate) Arc<dyn Fn() -> SystemTime + Send + Sync>);

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock(..)")
    }
}

impl Policy {
    /// Judges a request by its head and by what its body says of its own size.
    pub(crate) fn admit<B: Body>(&self, request: &Request<B>) -> Result<Box<Claim>, Rejection> {
        let claim = self
            .scheme
            .claim(request.into(), self.now(self.scheme.is_timed()))?;
        let too_large = request.body().size_hint().lower() > self.max_body
            || request
                .headers()
                .get_all(CONTENT_LENGTH)
                .iter()
                .any(|value| content_length(value) > self.max_body);
        if too_large {
            return Err(Rejection::BodyTooLarge {
                limit: self.max_body,
            });
        }
        Ok(claim)
    }

    /// Asked only where it matters: it costs as much as the rest of judging a head.
    pub(crate) fn now(&self, matters: bool) -> SystemTime {
        if matters {
            (self.clock.0)()
        } else {
            SystemTime::UNIX_EPOCH
        }
    }

    /// `version` is that of the request.
    pub(crate) fn refusal<B: Default>(
        &self,
        rejection: Rejection,
        version: Version,
    ) -> Response<B> {
        let mut response = Response::new(B::default());
        *response.status_mut() = rejection.status();
        response.extensions_mut().insert(rejection);
        match rejection.status() {
            // RFC 9110 section 15.5.2: a 401 carries a challenge.
            StatusCode::UNAUTHORIZED => {
                response
                    .headers_mut()
                    .insert(WWW_AUTHENTICATE, self.scheme.challenge().clone());
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                response
                    .headers_mut()
                    .insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            // RFC 9110 section 15.5.9; RFC 9113 section 8.2.2 forbids it from HTTP/2 on.
            StatusCode::REQUEST_TIMEOUT if version <= Version::HTTP_11 => {
                response
                    .headers_mut()
                    .insert(CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        response
    }
}

/// A number that doesn't fit is as large as can be; what isn't a number says nothing, and the
/// bytes are counted anyway.
fn content_length(value: &HeaderValue) -> u64 {
    let digits = value.as_bytes();
    if digits.iter().all(u8::is_ascii_digit) {
        digits.iter().fold(0_u64, |length, digit| {
            length
                .saturating_mul(10)
                .saturating_add(u64::from(digit - b'0'))
        })
    } else {
        0
    }
}
