use std::time::{Duration, SystemTime};

use http::{HeaderMap, Response, StatusCode, header::RETRY_AFTER};

use crate::{Classify, Verdict};

/// Judges by status code: every error and every 5xx (server error) is a failure, except 501 and 505,
/// which say what the endpoint never could. A 429 or 503 with `Retry-After` says for how long the
/// endpoint wants to be left alone.
///
/// A 429 without it is no failure: it may mean this one caller.
#[derive(Debug, Clone, Copy, Default)]
pub struct HttpStatus;

impl<B, E> Classify<Response<B>, E> for HttpStatus {
    fn classify(&self, result: Result<&Response<B>, &E>) -> Verdict {
        let Ok(response) = result else {
            return Verdict::Failure;
        };
        match response.status() {
            StatusCode::SERVICE_UNAVAILABLE => {
                retry_after(response.headers()).map_or(Verdict::Failure, Verdict::Unavailable)
            }
            StatusCode::TOO_MANY_REQUESTS => {
                retry_after(response.headers()).map_or(Verdict::Success, Verdict::Unavailable)
            }
            StatusCode::NOT_IMPLEMENTED | StatusCode::HTTP_VERSION_NOT_SUPPORTED => {
                Verdict::Success
            }
            status if status.is_server_error() => Verdict::Failure,
            _ => Verdict::Success,
        }
    }
}

/// Seconds or a date, as RFC 9110 section 10.2.3 has it.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // So many digits that they don't fit mean a long time.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(SystemTime::now()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::Response;

    use super::HttpStatus;
    use crate::{Classify, Verdict};

    fn verdict(status: u16, retry_after: Option<&str>) -> Verdict {
        let mut response = Response::builder().status(status);
        if let Some(value) = retry_after {
            response = response.header("retry-after", value);
        }
        let response = response.body(()).expect("a response");
        HttpStatus.classify(Ok::<_, &()>(&response))
    }

    #[test]
    fn server_errors_are_failures_and_refusals_are_not() {
        for (status, wanted) in [
            (200, Verdict::Success),
            (404, Verdict::Success),
            (429, Verdict::Success),
            (501, Verdict::Success),
            (500, Verdict::Failure),
            (503, Verdict::Failure),
            (504, Verdict::Failure),
        ] {
            assert_eq!(verdict(status, None), wanted, "{status}");
        }
        assert_eq!(
            HttpStatus.classify(Err::<&Response<()>, _>(&())),
            Verdict::Failure
        );
    }

    #[test]
    fn retry_after_says_for_how_long() {
        let seven = Verdict::Unavailable(Duration::from_secs(7));
        assert_eq!(verdict(503, Some("7")), seven);
        assert_eq!(verdict(429, Some(" 7 ")), seven);
        assert_eq!(verdict(200, Some("7")), Verdict::Success);
        assert_eq!(verdict(503, Some("-7")), Verdict::Failure);
        assert_eq!(verdict(503, Some("soon")), Verdict::Failure);
        let past = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert_eq!(
            verdict(503, Some(past)),
            Verdict::Unavailable(Duration::ZERO)
        );
        let long = Verdict::Unavailable(Duration::from_secs(u64::MAX));
        assert_eq!(verdict(503, Some("99999999999999999999999")), long);
    }
}
