use std::fmt;

use http::{HeaderName, Method, Request, Response, StatusCode};
use tokio::time::Instant;

use super::{
    Attempt, Deadline, Repeatable, RetryCount,
    hint::{Hint, hint},
};
use crate::{Policy, Retried, Verdict};

pub(super) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Repeats idempotent requests that failed in a way that may pass. See the [module](super) page.
#[derive(Clone)]
pub struct HttpPolicy<F> {
    judge: F,
    first_is_numbered: bool,
}

impl<F> HttpPolicy<F> {
    /// Responses are judged by status; `judge: Fn(&E) -> Verdict` judges the errors of the service
    /// below.
    ///
    /// Worth a retry are a connection that failed and an attempt that timed out. A rejection on
    /// this side, by an open circuit breaker or a limiter, is [`Verdict::Forbid`].
    pub const fn new(judge: F) -> Self {
        Self {
            judge,
            first_is_numbered: true,
        }
    }

    /// Puts [`Attempt`] into the requests of retries only: a call that succeeds at once then costs
    /// no allocation but the request's clone. Not for a stack with a second retry layer further
    /// down, which would not recognise this one in the first attempt.
    #[must_use]
    pub fn number_retries_only(mut self) -> Self {
        self.first_is_numbered = false;
        self
    }
}

impl<F, B, ResBody, E> Policy<Request<B>, Response<ResBody>, E> for HttpPolicy<F>
where
    F: Fn(&E) -> Verdict,
{
    type Tag = Option<Deadline>;

    fn tag(&self, request: &Request<B>) -> Option<Self::Tag> {
        let extensions = request.extensions();
        let repeatable = is_idempotent(request) || extensions.get::<Repeatable>().is_some();
        let repeated_above = extensions.get::<Attempt>().is_some();
        (repeatable && !repeated_above).then(|| extensions.get().copied())
    }

    fn verdict(&self, _: &Self::Tag, result: Result<&Response<ResBody>, &E>) -> Verdict {
        match result {
            Ok(response) if is_transient(response.status()) || is_unavailable(response) => {
                match hint(response) {
                    None => Verdict::retry(),
                    Some(Hint::After(wait)) => Verdict::retry_after(wait),
                    Some(Hint::Never) => Verdict::Forbid,
                }
            }
            Ok(_) => Verdict::Done,
            Err(error) => (self.judge)(error),
        }
    }

    fn deadline(&self, tag: &Self::Tag) -> Option<Instant> {
        tag.as_ref().and_then(Deadline::instant)
    }

    fn prepare(&self, _: &Self::Tag, request: &mut Request<B>, attempt: u32) {
        let extensions = request.extensions_mut();
        if attempt > 1 || self.first_is_numbered {
            extensions.insert(Attempt(attempt));
        }
        if attempt > 1
            && let Some(count) = extensions.get::<RetryCount>()
        {
            count.add();
        }
    }

    fn finish(&self, _: &Self::Tag, result: &mut Result<Response<ResBody>, E>, retried: Retried) {
        if (retried.attempts() > 1 || retried.stopped().is_some())
            && let Ok(response) = result
        {
            response.extensions_mut().insert(retried);
        }
    }
}

impl<F> fmt::Debug for HttpPolicy<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpPolicy").finish_non_exhaustive()
    }
}

/// Whether sending the request twice means the same as once: GET, HEAD, OPTIONS, TRACE, PUT and
/// DELETE (RFC 9110 section 9.2.2), or any method with an `Idempotency-Key` that is not empty.
#[must_use]
pub fn is_idempotent<B>(request: &Request<B>) -> bool {
    matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE | Method::PUT | Method::DELETE
    ) || request
        .headers()
        .get(IDEMPOTENCY_KEY)
        .is_some_and(|key| !key.is_empty())
}

/// Whether a later attempt may see another status: 408, 429, 500, 502, 503 and 504.
///
/// 500 is among them because for an idempotent request it is safe, and it is what a worker that
/// crashed or a deployment in progress answers. All others state something about the request itself
/// (4xx, 501, 505) and would only be repeated.
#[must_use]
pub fn is_transient(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504)
}

/// Whether gRPC says in a response without a message that its status is UNAVAILABLE, the one that
/// is meant to be retried.
fn is_unavailable<B>(response: &Response<B>) -> bool {
    response
        .headers()
        .get("grpc-status")
        .is_some_and(|status| status == "14")
}
