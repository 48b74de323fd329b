use std::{fmt, time::Duration};

use ::http::{HeaderMap, HeaderName, HeaderValue, header::RETRY_AFTER};

use crate::{Admission, Denied, Quota};

pub(super) const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
pub(super) const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
pub(super) const LEGACY_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
pub(super) const LEGACY_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
pub(super) const LEGACY_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// Writes the header fields that tell a client of its quota.
///
/// `RateLimit-Policy: "60-in-30s";q=60;w=30` and `RateLimit: "60-in-30s";r=0;t=12`, in the syntax
/// of [draft-ietf-httpapi-ratelimit-headers-10]; of several tiers, the one that is tightest. `w`
/// is in whole seconds, rounded up. `t` is given on refusals only, and equals `Retry-After`, which
/// is written there too ([RFC 9110 section 10.2.3]).
///
/// For a [`Rejection`](crate::Rejection) of your own; [`TooManyRequests`](crate::TooManyRequests)
/// uses it. Each field written is an allocation.
///
/// [draft-ietf-httpapi-ratelimit-headers-10]: https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/10/
/// [RFC 9110 section 10.2.3]: https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
#[derive(Debug, Clone, Copy, Default)]
pub struct RateLimitFields {
    legacy: bool,
}

impl RateLimitFields {
    /// The standard fields.
    #[must_use]
    pub const fn new() -> Self {
        Self { legacy: false }
    }

    /// Adds `X-RateLimit-Limit`, `X-RateLimit-Remaining` and, on refusals, `X-RateLimit-Reset` in
    /// seconds from now. They were never specified, so clients read them differently.
    #[must_use]
    pub const fn legacy(mut self) -> Self {
        self.legacy = true;
        self
    }

    /// Describes a request that passed.
    pub fn admitted(&self, admission: &Admission, headers: &mut HeaderMap) {
        self.write(admission.quota, admission.remaining, None, headers);
    }

    /// Describes a request that was refused.
    pub fn denied(&self, denied: &Denied, headers: &mut HeaderMap) {
        let seconds = denied.retry_after_seconds();
        headers.insert(RETRY_AFTER, seconds.into());
        self.write(denied.quota, 0, Some(seconds), headers);
    }

    fn write(self, quota: Quota, remaining: u32, wait: Option<u64>, headers: &mut HeaderMap) {
        let mut policy = Text::new();
        policy.name(quota);
        let mut state = policy.clone();
        policy.number(";q=", quota.limit().into());
        policy.number(";w=", seconds_up(quota.window()));
        state.number(";r=", remaining.into());
        if let Some(wait) = wait {
            state.number(";t=", wait);
        }
        let limit = quota.limit();
        for (field, text) in [(RATE_LIMIT_POLICY, policy), (RATE_LIMIT, state)] {
            // Digits, letters and the signs above are always a header value.
            if let Ok(value) = HeaderValue::from_bytes(text.as_bytes()) {
                headers.insert(field, value);
            }
        }
        if self.legacy {
            headers.insert(LEGACY_LIMIT, limit.into());
            headers.insert(LEGACY_REMAINING, remaining.into());
            if let Some(wait) = wait {
                headers.insert(LEGACY_RESET, wait.into());
            }
        }
    }
}

fn seconds_up(window: Duration) -> u64 {
    window
        .as_secs()
        .saturating_add(u64::from(window.subsec_nanos() > 0))
}

/// A field's value as it is written, without the formatting machinery: refusals are many.
#[derive(Clone)]
struct Text {
    /// As long as the longest: a name of 34 bytes and three parameters of at most 23.
    bytes: [u8; 112],
    length: usize,
}

impl Text {
    const fn new() -> Self {
        Self {
            bytes: [0; 112],
            length: 0,
        }
    }

    fn name(&mut self, quota: Quota) {
        let (window, unit) = window_of(quota);
        self.number("\"", quota.limit().into());
        self.number("-in-", window);
        self.text(unit);
        self.text("\"");
    }

    fn text(&mut self, text: &str) {
        for byte in text.bytes() {
            if let Some(place) = self.bytes.get_mut(self.length) {
                *place = byte;
                self.length += 1;
            }
        }
    }

    fn number(&mut self, before: &str, mut number: u64) {
        self.text(before);
        let mut digits = [b'0'; 20];
        let mut first = digits.len();
        loop {
            first -= 1;
            digits[first] += u8::try_from(number % 10).unwrap_or_default();
            number /= 10;
            if number == 0 {
                break;
            }
        }
        self.text(std::str::from_utf8(&digits[first..]).unwrap_or_default());
    }

    fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// The window in the largest unit that needs no fraction.
fn window_of(quota: Quota) -> (u64, &'static str) {
    match quota.window_nanos() {
        nanos if nanos.is_multiple_of(1_000_000_000) => (nanos / 1_000_000_000, "s"),
        nanos if nanos.is_multiple_of(1_000_000) => (nanos / 1_000_000, "ms"),
        nanos => (nanos, "ns"),
    }
}

/// Names a quota by what it is: quotas have no other name, and one name never means two of them.
pub(super) struct PolicyName(pub(super) Quota);

impl fmt::Display for PolicyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (window, unit) = window_of(self.0);
        write!(f, "{}-in-{window}{unit}", self.0.limit())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_text_fits() {
        let quota = Quota::new(u32::MAX, Duration::from_nanos(u64::MAX)).unwrap();
        let mut headers = HeaderMap::new();
        RateLimitFields::new().write(quota, u32::MAX, Some(u64::MAX), &mut headers);
        let name = "\"4294967295-in-18446744073709551615ns\"";
        let policy = format!("{name};q=4294967295;w=18446744074");
        assert_eq!(headers[RATE_LIMIT_POLICY], policy);
        let state = format!("{name};r=4294967295;t=18446744073709551615");
        assert_eq!(headers[RATE_LIMIT], state);
        let name = PolicyName(quota).to_string();
        assert!(headers[RATE_LIMIT].to_str().unwrap().contains(&name));
    }
}
