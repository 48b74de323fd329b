use std::{
    fmt,
    time::{Duration, SystemTime},
};

use http::{HeaderMap, HeaderName, Method, Request, Response, StatusCode, header::DATE};

use super::{Attempt, RetryCount, retry_after};
use crate::{Policy, Retried, Verdict};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Repeats idempotent requests that failed in a way that may pass. See the [module](super) page.
#[derive(Clone)]
pub struct HttpPolicy<F> {
    judge: F,
}

impl<F> HttpPolicy<F> {
    /// Responses are judged by status; `judge: Fn(&E) -> Verdict` judges the errors of the service
    /// below.
    ///
    /// Worth a retry are a connection that failed and an attempt that timed out. A rejection on
    /// this side, by an open circuit breaker or a limiter, is [`Verdict::Forbid`].
    pub const fn new(judge: F) -> Self {
        Self { judge }
    }
}

impl<F, B, ResBody, E> Policy<Request<B>, Response<ResBody>, E> for HttpPolicy<F>
where
    F: Fn(&E) -> Verdict,
{
    type Tag = ();

    fn tag(&self, request: &Request<B>) -> Option<()> {
        let repeated_above = request.extensions().get::<Attempt>().is_some();
        (is_idempotent(request) && !repeated_above).then_some(())
    }

    fn verdict(&self, (): &(), result: Result<&Response<ResBody>, &E>) -> Verdict {
        match result {
            Ok(response) if is_transient(response.status()) => {
                hint(response).map_or(Verdict::retry(), Verdict::retry_after)
            }
            Ok(_) => Verdict::Done,
            Err(error) => (self.judge)(error),
        }
    }

    fn prepare(&self, (): &(), request: &mut Request<B>, attempt: u32) {
        let extensions = request.extensions_mut();
        extensions.insert(Attempt(attempt));
        if attempt > 1
            && let Some(count) = extensions.get::<RetryCount>()
        {
            count.add();
        }
    }

    fn finish(&self, (): &(), result: &mut Result<Response<ResBody>, E>, retried: Retried) {
        if retried.attempts() > 1
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

/// Of the transient statuses only these two are defined to come with `Retry-After` (RFC 6585
/// section 4, RFC 9110 section 15.6.4); on the others it is not trusted.
fn hint<B>(response: &Response<B>) -> Option<Duration> {
    match response.status() {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            retry_after(response.headers(), server_time(response.headers()))
        }
        _ => None,
    }
}

/// A date in `Retry-After` is read off the server's clock; so is the response's own `Date`. Their
/// difference is right even when the clocks of both sides differ.
fn server_time(headers: &HeaderMap) -> SystemTime {
    headers
        .get(DATE)
        .and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok())
        .unwrap_or_else(SystemTime::now)
}
