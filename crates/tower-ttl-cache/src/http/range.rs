//! Parts of a stored response (RFC 9110 section 14).

use http::{
    HeaderMap,
    header::{DATE, ETAG, IF_RANGE, LAST_MODIFIED, RANGE},
};

use super::date;

/// A range of bytes as a request asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Range {
    /// From the first offset to the last, both included.
    Bounded(u64, u64),
    From(u64),
    /// So many at the end.
    Last(u64),
}

impl Range {
    /// The offsets of its first byte and behind its last, within a body of `length` bytes. `None`
    /// where the body has none of them.
    pub(crate) fn within(self, length: usize) -> Option<(usize, usize)> {
        let whole = length as u64;
        let (start, end) = match self {
            Self::Bounded(first, last) => (first, last.saturating_add(1).min(whole)),
            Self::From(first) => (first, whole),
            Self::Last(count) => (whole.saturating_sub(count), whole),
        };
        // Both are within the length, which is a `usize`.
        (start < end).then_some((start as usize, end as usize))
    }
}

/// The one range of bytes that a request asks for. Other units and several ranges are not for a
/// cache to answer.
pub(crate) fn of_request(headers: &HeaderMap) -> Option<Range> {
    let mut lines = headers.get_all(RANGE).iter();
    let line = lines.next()?.as_bytes();
    if lines.next().is_some() {
        return None;
    }
    let (unit, spec) = line.split_at_checked(line.iter().position(|&byte| byte == b'=')?)?;
    unit.eq_ignore_ascii_case(b"bytes").then_some(())?;
    let spec = spec[1..].trim_ascii();
    let dash = spec.iter().position(|&byte| byte == b'-')?;
    let (first, last) = (&spec[..dash], &spec[dash + 1..]);
    match (first.is_empty(), last.is_empty()) {
        (true, true) => None,
        (true, false) => Some(Range::Last(offset(last)?)),
        (false, true) => Some(Range::From(offset(first)?)),
        (false, false) => {
            let (first, last) = (offset(first)?, offset(last)?);
            (first <= last).then_some(Range::Bounded(first, last))
        }
    }
}

fn offset(digits: &[u8]) -> Option<u64> {
    // `parse` would take a sign.
    let plain = digits.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(digits)
        .ok()?
        .parse()
        .ok()
        .filter(|_| plain)
}

/// RFC 9110 section 13.1.5: whether the part that the request has is one of the stored response.
/// Validators are compared strongly.
pub(crate) fn is_of_same(request: &HeaderMap, stored: &HeaderMap) -> bool {
    let Some(condition) = request.get(IF_RANGE) else {
        return true;
    };
    let condition = condition.as_bytes();
    if condition.ends_with(b"\"") {
        return !condition.starts_with(b"W/")
            && stored
                .get(ETAG)
                .is_some_and(|tag| tag.as_bytes() == condition);
    }
    let date = |name| date::parse(stored.get(name)?.as_bytes(), 0);
    // Section 8.8.2.2: the date is a strong validator if it was one second old at least.
    let strong = match (date(LAST_MODIFIED), date(DATE)) {
        (Some(modified), Some(sent)) => modified < sent,
        _ => false,
    };
    strong
        && stored
            .get(LAST_MODIFIED)
            .is_some_and(|date| date.as_bytes() == condition)
}
