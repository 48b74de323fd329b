use std::time::{Duration, SystemTime};

use http::{HeaderMap, Response, StatusCode, header::RETRY_AFTER};

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
/// The `Retry-After` of a 429 or a 503, in seconds or as a date, lengthens the open time.
///
/// Status codes are those of RFC 9110, section 15, `Retry-After` is section 10.2.3; 429 is RFC 6585,
/// section 4.
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

    fn retry_after(&self, result: Result<&Response<B>, &E>) -> Option<Duration> {
        let response = result.ok()?;
        match response.status() {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                retry_after(response.headers(), SystemTime::now())
            }
            _ => None,
        }
    }
}

/// Zero for a date that is over, the longest time for a number too large, `None` for anything else
/// that is not RFC 9110.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        let seconds = value.parse().unwrap_or(u64::MAX);
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(value: &[u8]) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, http::HeaderValue::from_bytes(value).ok()?);
        // 1994-11-15 08:12:01 GMT.
        retry_after(
            &headers,
            SystemTime::UNIX_EPOCH + Duration::from_secs(784_887_121),
        )
    }

    #[test]
    fn a_hint_is_seconds_or_one_of_the_three_dates() {
        for (value, seconds) in [
            ("0", Some(0)),
            ("120", Some(120)),
            (" 7 ", Some(7)),
            ("99999999999999999999999", Some(u64::MAX)),
            ("Tue, 15 Nov 1994 08:12:31 GMT", Some(30)),
            ("Tuesday, 15-Nov-94 08:12:31 GMT", Some(30)),
            ("Tue Nov 15 08:12:31 1994", Some(30)),
            ("Tue, 15 Nov 1994 08:12:00 GMT", Some(0)),
            ("-1", None),
            ("1.5", None),
            ("", None),
            ("soon", None),
        ] {
            let expected = seconds.map(Duration::from_secs);
            assert_eq!(parse(value.as_bytes()), expected, "{value}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), SystemTime::UNIX_EPOCH), None);
    }

    proptest! {
        #[test]
        fn no_header_panics(value in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = parse(&value);
        }
    }
}
