use std::time::{Duration, SystemTime};

use http::{HeaderMap, header::RETRY_AFTER};

use super::hint::digits;

/// How long a `Retry-After` header asks to wait, seen from `now` (RFC 9110 section 10.2.3).
///
/// Whole seconds (a number too large saturates) or any of the three forms of an HTTP date; a date
/// in the past is zero. `None` without the header, or when it is neither.
#[must_use]
pub fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Some(seconds) = digits(value) {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}
