use http::{HeaderValue, Response, StatusCode, header::RETRY_AFTER};

use crate::{Refusal, Rejection};

/// `429 Too Many Requests` ([RFC 6585 section 4]) with an empty body and a `Retry-After` that is
/// true: a request sent that many whole seconds later passes, if no other comes before it.
///
/// A request without a key is answered `400 Bad Request`.
///
/// [RFC 6585 section 4]: https://www.rfc-editor.org/rfc/rfc6585#section-4
#[derive(Debug, Clone, Copy, Default)]
pub struct TooManyRequests;

impl<B: Default> Rejection<Response<B>> for TooManyRequests {
    fn reject(&self, refusal: &Refusal) -> Response<B> {
        let mut response = Response::new(B::default());
        match refusal {
            Refusal::Denied(denied) => {
                *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
                let seconds = HeaderValue::from(denied.retry_after_seconds());
                response.headers_mut().insert(RETRY_AFTER, seconds);
            }
            Refusal::CostAboveLimit(_) | Refusal::MissingKey => {
                *response.status_mut() = StatusCode::BAD_REQUEST;
            }
        }
        response
    }
}
