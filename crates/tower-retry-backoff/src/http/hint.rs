use std::time::{Duration, SystemTime};

use http::{HeaderMap, Response, StatusCode, header::DATE};

use super::retry_after;

/// What a response says about coming back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hint {
    /// Not before this time has passed.
    After(Duration),
    /// Not at all.
    Never,
}

/// The hint of a response that is worth another attempt.
pub(super) fn hint<B>(response: &Response<B>) -> Option<Hint> {
    let headers = response.headers();
    if let Some(value) = headers.get("grpc-retry-pushback-ms") {
        return Some(pushback(value.as_bytes()));
    }
    match response.status() {
        // Of the transient statuses only these two are defined to come with `Retry-After` (RFC 6585
        // section 4, RFC 9110 section 15.6.4); on the others it is not trusted.
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            // The limit's own header gives way to `Retry-After`, as its draft wants it.
            retry_after(headers, server_time(headers))
                .or_else(|| limit_reset(headers))
                .map(Hint::After)
        }
        _ => None,
    }
}

/// Milliseconds; anything else, a negative number above all, forbids a retry (gRFC A6).
fn pushback(value: &[u8]) -> Hint {
    let millis = std::str::from_utf8(value).ok().and_then(digits);
    millis.map_or(Hint::Never, |millis| {
        Hint::After(Duration::from_millis(millis))
    })
}

/// When the limit frees up, from the headers of the drafts of the HTTP working group: seconds in
/// `RateLimit-Reset`, or in the parameter `t` of the exhausted limits in `RateLimit`.
fn limit_reset(headers: &HeaderMap) -> Option<Duration> {
    if let Some(value) = headers.get("ratelimit-reset") {
        return digits(value.to_str().ok()?.trim()).map(Duration::from_secs);
    }
    let limits = headers.get_all("ratelimit").iter();
    limits
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| outside_quotes(value, ','))
        .filter_map(exhausted_for)
        .max()
        .map(Duration::from_secs)
}

/// The `t` of one limit, such as `"burst";r=0;t=30`, if nothing remains of it.
fn exhausted_for(limit: &str) -> Option<u64> {
    let parameter = |name: &str| {
        outside_quotes(limit, ';')
            .filter_map(|parameter| parameter.trim().split_once('='))
            .find(|(key, _)| *key == name)
            .and_then(|(_, value)| digits(value))
    };
    parameter("t").filter(|_| parameter("r").is_none_or(|remaining| remaining == 0))
}

/// Splits where the separator is not in a quoted string.
fn outside_quotes(value: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    value.split(move |character| {
        let inside = quoted;
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = quoted,
            '"' => quoted = !quoted,
            _ => {}
        }
        character == separator && !inside
    })
}

/// A number of decimal digits; one too large saturates.
pub(super) fn digits(value: &str) -> Option<u64> {
    let all_digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    all_digits.then(|| value.parse().unwrap_or(u64::MAX))
}

/// A date in `Retry-After` is read off the server's clock; so is the response's own `Date`. Their
/// difference is right even when the clocks of both sides differ.
fn server_time(headers: &HeaderMap) -> SystemTime {
    headers
        .get(DATE)
        .and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok())
        .unwrap_or_else(SystemTime::now)
}
