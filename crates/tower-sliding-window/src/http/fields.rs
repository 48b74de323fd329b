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
        let name = PolicyName(quota);
        let (limit, window) = (quota.limit(), seconds_up(quota.window()));
        let state = match wait {
            Some(wait) => format!("\"{name}\";r={remaining};t={wait}"),
            None => format!("\"{name}\";r={remaining}"),
        };
        let fields = [
            (
                RATE_LIMIT_POLICY,
                format!("\"{name}\";q={limit};w={window}"),
            ),
            (RATE_LIMIT, state),
        ];
        for (field, text) in fields {
            // Digits, letters and the signs above are always a header value.
            if let Ok(value) = HeaderValue::try_from(text) {
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

/// Names a quota by what it is: quotas have no other name, and one name never means two of them.
pub(super) struct PolicyName(pub(super) Quota);

impl fmt::Display for PolicyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let window = self.0.window();
        let (number, unit) = match window.subsec_nanos() {
            0 => (u128::from(window.as_secs()), "s"),
            nanos if nanos.is_multiple_of(1_000_000) => (window.as_millis(), "ms"),
            _ => (window.as_nanos(), "ns"),
        };
        write!(f, "{}-in-{number}{unit}", self.0.limit())
    }
}
