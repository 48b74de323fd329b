use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::{
    HeaderMap, HeaderName,
    header::{AGE, DATE, EXPIRES},
};

use super::{Arrival, Mode};
use crate::http::directives::{Directives, delta_seconds};

/// RFC 9111 section 4.2.1: the lifetime a response names itself.
pub(super) fn explicit_lifetime(
    mode: Mode,
    directives: &Directives,
    headers: &HeaderMap,
    wall: SystemTime,
) -> Option<Duration> {
    if mode == Mode::Shared
        && let Some(lifetime) = directives.s_maxage
    {
        return Some(lifetime);
    }
    if let Some(lifetime) = directives.max_age {
        return Some(lifetime);
    }
    if !headers.contains_key(EXPIRES) {
        return None;
    }
    // Section 5.3: a value that is no date, "0" above all, lies in the past.
    let lifetime = date(headers, &EXPIRES).map_or(0, |expires| {
        let origin = date(headers, &DATE).unwrap_or_else(|| unix_seconds(wall));
        expires.saturating_sub(origin)
    });
    Some(Duration::from_secs(lifetime))
}

/// RFC 9111 section 4.2.3: `corrected_initial_age`.
pub(super) fn initial_age(headers: &HeaderMap, arrival: Arrival) -> Duration {
    let now = unix_seconds(arrival.wall);
    let apparent = date(headers, &DATE).map_or(0, |date| now.saturating_sub(date));
    let corrected = age_value(headers).saturating_add(arrival.delay);
    Duration::from_secs(apparent).max(corrected)
}

/// RFC 9111 section 5.1: of a list the first member counts; what is no number is ignored.
fn age_value(headers: &HeaderMap) -> Duration {
    headers
        .get(AGE)
        .and_then(|value| value.as_bytes().split(|&byte| byte == b',').next())
        .and_then(|first| delta_seconds(first.trim_ascii()))
        .unwrap_or_default()
}

fn date(headers: &HeaderMap, name: &HeaderName) -> Option<u64> {
    let value = headers.get(name)?.to_str().ok()?;
    httpdate::parse_http_date(value).ok().map(unix_seconds)
}

/// HTTP dates have whole seconds, so the clock is rounded down to them too: otherwise every
/// response would seem to have aged by the fraction.
pub(crate) fn unix_seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
