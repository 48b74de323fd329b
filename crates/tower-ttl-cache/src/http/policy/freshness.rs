use std::time::{Duration, SystemTime};

use http::{
    HeaderMap, HeaderName,
    header::{AGE, DATE, ETAG, EXPIRES, LAST_MODIFIED},
};

use super::{Arrival, Mode};
use crate::http::{
    date::{self, unix_seconds},
    directives::{Directives, delta_seconds},
    list::members,
};

/// RFC 9111 section 4.2.1: the lifetime a response names itself. Without headers, `Expires` does
/// not count.
pub(super) fn explicit_lifetime(
    mode: Mode,
    directives: &Directives,
    expires: Option<&HeaderMap>,
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
    let headers = expires?;
    let mut lines = headers.get_all(EXPIRES).iter();
    lines.next()?;
    // Section 5.3: a value that is no date, "0" above all, lies in the past. So do two.
    let expires = match lines.next() {
        Some(_) => None,
        None => date(headers, &EXPIRES, wall),
    };
    let lifetime = expires.map_or(0, |expires| {
        let origin = date(headers, &DATE, wall).unwrap_or_else(|| unix_seconds(wall));
        expires.saturating_sub(origin)
    });
    Some(Duration::from_secs(lifetime))
}

/// RFC 9111 section 4.2.2: a tenth of the time since the last modification.
pub(super) fn heuristic_lifetime(
    headers: &HeaderMap,
    wall: SystemTime,
    most: Duration,
) -> Option<Duration> {
    let modified = date(headers, &LAST_MODIFIED, wall)?;
    let origin = date(headers, &DATE, wall).unwrap_or_else(|| unix_seconds(wall));
    let unchanged = origin.saturating_sub(modified);
    Some(Duration::from_secs(unchanged / 10).min(most))
}

/// RFC 9111 section 4.2.3: `corrected_initial_age`.
pub(super) fn initial_age(headers: &HeaderMap, arrival: Arrival) -> Duration {
    let now = unix_seconds(arrival.wall);
    let apparent = date(headers, &DATE, arrival.wall).map_or(0, |date| now.saturating_sub(date));
    let corrected = age_value(headers).saturating_add(arrival.delay);
    Duration::from_secs(apparent).max(corrected)
}

/// Whether the inner service can be asked if a stored response still holds.
pub(crate) fn has_validator(headers: &HeaderMap) -> bool {
    headers.contains_key(ETAG) || headers.contains_key(LAST_MODIFIED)
}

/// RFC 9111 section 5.1: of a list the first member counts; what is no number is ignored.
fn age_value(headers: &HeaderMap) -> Duration {
    headers
        .get(AGE)
        .and_then(|value| members(value.as_bytes()).next())
        .and_then(delta_seconds)
        .unwrap_or_default()
}

fn date(headers: &HeaderMap, name: &HeaderName, wall: SystemTime) -> Option<u64> {
    date::parse(headers.get(name)?.as_bytes(), unix_seconds(wall))
}
