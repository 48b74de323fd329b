use http::{Response, StatusCode};

use crate::{Classify, Verdict};

/// Judges an HTTP response by its status code.
///
/// | result | verdict |
/// |---|---|
/// | error | [`Failure`](Verdict::Failure) |
/// | 5xx, 408 Request Timeout | [`Failure`](Verdict::Failure) |
/// | 429 Too Many Requests | [`Throttled`](Verdict::Throttled) |
/// | every other status | [`Success`](Verdict::Success): the server answered, whatever it thinks of the request |
///
/// Status codes are those of RFC 9110, section 15; 429 is RFC 6585, section 4.
#[derive(Clone, Copy, Debug, Default)]
pub struct HttpStatus;

impl<B, E> Classify<Response<B>, E> for HttpStatus {
    fn classify(&self, result: Result<&Response<B>, &E>) -> Verdict {
        match result.map(Response::status) {
            Err(_) | Ok(StatusCode::REQUEST_TIMEOUT) => Verdict::Failure,
            Ok(StatusCode::TOO_MANY_REQUESTS) => Verdict::Throttled,
            Ok(status) if status.is_server_error() => Verdict::Failure,
            Ok(_) => Verdict::Success,
        }
    }
}
