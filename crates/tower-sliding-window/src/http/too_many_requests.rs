use std::marker::PhantomData;

use ::http::{HeaderValue, Response, StatusCode, header::CONTENT_TYPE};

use super::fields::{PolicyName, RateLimitFields};
use crate::{Admission, Refusal, Rejection};

/// `429 Too Many Requests` ([RFC 6585 section 4]) with a `Retry-After` that is true, a request sent
/// that many whole seconds later passes if no other comes first, and the
/// [`RateLimitFields`].
///
/// A request without a key, or one that costs more than its quota ever admits, is answered
/// `400 Bad Request`: it is not to be tried again.
///
/// `B` is the body: [`Empty`] for any body with a `Default`, [`ProblemDetails`] for any that comes
/// from a `String`.
///
/// [RFC 6585 section 4]: https://www.rfc-editor.org/rfc/rfc6585#section-4
#[derive(Debug, Clone, Copy)]
pub struct TooManyRequests<B = Empty> {
    fields: RateLimitFields,
    on_every_response: bool,
    body: PhantomData<B>,
}

/// Refusals without a body.
#[derive(Debug, Clone, Copy)]
pub struct Empty;

/// Refusals in `application/problem+json` ([RFC 9457]).
///
/// [RFC 9457]: https://www.rfc-editor.org/rfc/rfc9457
#[derive(Debug, Clone, Copy)]
pub struct ProblemDetails;

impl TooManyRequests {
    /// Refuses without a body, with the standard fields.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            fields: RateLimitFields::new(),
            on_every_response: false,
            body: PhantomData,
        }
    }
}

impl<B> TooManyRequests<B> {
    /// Writes the `X-RateLimit-*` fields too; see [`RateLimitFields::legacy`].
    #[must_use]
    pub const fn legacy_fields(mut self) -> Self {
        self.fields = self.fields.legacy();
        self
    }

    /// Writes the fields on the responses of requests that passed, too. Redirects are left out
    /// when nothing remains: who follows one must not be told to wait.
    #[must_use]
    pub const fn on_every_response(mut self) -> Self {
        self.on_every_response = true;
        self
    }

    /// Says why in the body: the `quota-exceeded` problem type, naming the policy violated.
    #[must_use]
    pub const fn problem_details(self) -> TooManyRequests<ProblemDetails> {
        TooManyRequests {
            fields: self.fields,
            on_every_response: self.on_every_response,
            body: PhantomData,
        }
    }

    fn refuse<Body>(&self, refusal: &Refusal, body: Body) -> Response<Body> {
        let mut response = Response::new(body);
        match refusal {
            Refusal::Denied(denied) => {
                *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
                self.fields.denied(denied, response.headers_mut());
            }
            Refusal::CostAboveLimit(_) | Refusal::MissingKey => {
                *response.status_mut() = StatusCode::BAD_REQUEST;
            }
        }
        response
    }

    fn announce<Body>(&self, response: &mut Response<Body>, admission: &Admission) {
        let misleading = admission.remaining == 0 && response.status().is_redirection();
        if self.on_every_response && !misleading {
            self.fields.admitted(admission, response.headers_mut());
        }
    }
}

impl Default for TooManyRequests {
    fn default() -> Self {
        Self::new()
    }
}

impl<Body: Default> Rejection<Response<Body>> for TooManyRequests {
    fn reject(&self, refusal: &Refusal) -> Response<Body> {
        self.refuse(refusal, Body::default())
    }

    fn admitted(&self, response: &mut Response<Body>, admission: &Admission) {
        self.announce(response, admission);
    }
}

impl<Body: From<String>> Rejection<Response<Body>> for TooManyRequests<ProblemDetails> {
    fn reject(&self, refusal: &Refusal) -> Response<Body> {
        // Nothing in these texts needs escaping.
        let problem = match refusal {
            Refusal::Denied(denied) => format!(
                r#"{{"type":"https://iana.org/assignments/http-problem-types#quota-exceeded","title":"Too many requests","status":429,"detail":"{denied}","violated-policies":["{}"]}}"#,
                PolicyName(denied.quota)
            ),
            Refusal::CostAboveLimit(never) => format!(
                r#"{{"title":"The request costs more than its quota","status":400,"detail":"{never}"}}"#
            ),
            Refusal::MissingKey => {
                r#"{"title":"The request has no key to limit it by","status":400}"#.to_owned()
            }
        };
        let mut response = self.refuse(refusal, Body::from(problem));
        let json = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(CONTENT_TYPE, json);
        response
    }

    fn admitted(&self, response: &mut Response<Body>, admission: &Admission) {
        self.announce(response, admission);
    }
}
