use std::time::Duration;

use http::{HeaderMap, HeaderName, header::CACHE_CONTROL};

use super::list::members;

/// What of `Cache-Control` the policy acts on, of a request (RFC 9111 section 5.2.1) or a response
/// (section 5.2.2).
///
/// Where a directive occurs more than once, the first counts (section 4.2.1).
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Directives {
    pub(crate) no_store: bool,
    pub(crate) no_cache: bool,
    pub(crate) private: bool,
    pub(crate) public: bool,
    pub(crate) must_revalidate: bool,
    pub(crate) proxy_revalidate: bool,
    pub(crate) must_understand: bool,
    /// RFC 8246.
    pub(crate) immutable: bool,
    pub(crate) only_if_cached: bool,
    pub(crate) max_age: Option<Duration>,
    pub(crate) s_maxage: Option<Duration>,
    pub(crate) min_fresh: Option<Duration>,
    pub(crate) max_stale: Option<Duration>,
    /// RFC 5861 section 3.
    pub(crate) stale_while_revalidate: Option<Duration>,
    /// RFC 5861 section 4.
    pub(crate) stale_if_error: Option<Duration>,
    /// Fields that `no-cache` names: they may not be used without validation.
    pub(crate) no_cache_fields: Vec<HeaderName>,
    /// Fields that `private` names: they are not for a shared cache.
    pub(crate) private_fields: Vec<HeaderName>,
}

impl Directives {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut directives = Self::default();
        for line in headers.get_all(CACHE_CONTROL) {
            let line = members(line.as_bytes());
            // A quote that is never closed may hide anything: the most restrictive is assumed.
            directives.no_store |= line.is_unclosed();
            for member in line {
                directives.read_member(member);
            }
        }
        directives
    }

    fn read_member(&mut self, member: &[u8]) {
        let (name, value) = match member.iter().position(|&byte| byte == b'=') {
            Some(at) => (&member[..at], Some(&member[at + 1..])),
            None => (member, None),
        };
        let is = |expected: &str| name.eq_ignore_ascii_case(expected.as_bytes());
        // Section 4.2.1: what has no valid lifetime counts as stale.
        let lifetime = || seconds(value).unwrap_or(Duration::ZERO);
        if is("no-store") {
            self.no_store = true;
        } else if is("no-cache") {
            match fields(value) {
                Some(fields) => self.no_cache_fields.extend(fields),
                None => self.no_cache = true,
            }
        } else if is("private") {
            match fields(value) {
                Some(fields) => self.private_fields.extend(fields),
                None => self.private = true,
            }
        } else if is("public") {
            self.public = true;
        } else if is("must-revalidate") {
            self.must_revalidate = true;
        } else if is("proxy-revalidate") {
            self.proxy_revalidate = true;
        } else if is("must-understand") {
            self.must_understand = true;
        } else if is("immutable") {
            self.immutable = true;
        } else if is("only-if-cached") {
            self.only_if_cached = true;
        } else if is("max-age") {
            self.max_age.get_or_insert_with(lifetime);
        } else if is("s-maxage") {
            self.s_maxage.get_or_insert_with(lifetime);
        } else if is("stale-while-revalidate") {
            self.stale_while_revalidate.get_or_insert_with(lifetime);
        } else if is("stale-if-error") {
            self.stale_if_error.get_or_insert_with(lifetime);
        } else if is("min-fresh") {
            self.min_fresh
                .get_or_insert(seconds(value).unwrap_or(Duration::MAX));
        } else if is("max-stale") {
            // Section 5.2.1.2: without an argument, a response of any age will do.
            let bare = value.is_none().then_some(Duration::MAX);
            self.max_stale
                .get_or_insert(bare.or(seconds(value)).unwrap_or(Duration::ZERO));
        }
    }
}

/// The argument of a qualified `no-cache` or `private` (sections 5.2.2.4 and 5.2.2.7). `None` for
/// anything that is no list of names: then the directive counts as bare, which forbids more.
fn fields(value: Option<&[u8]>) -> Option<Vec<HeaderName>> {
    let list = value?.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    let fields: Vec<_> = members(list)
        .filter(|name| !name.is_empty())
        .map(|name| HeaderName::from_bytes(name).ok())
        .collect::<Option<_>>()?;
    (!fields.is_empty()).then_some(fields)
}

/// Delta-seconds (RFC 9111 section 1.2.2), as a token or a quoted string (section 5.2).
fn seconds(value: Option<&[u8]>) -> Option<Duration> {
    let value = value?;
    let unquoted = value
        .strip_prefix(b"\"")
        .and_then(|value| value.strip_suffix(b"\""));
    delta_seconds(unquoted.unwrap_or(value))
}

/// Digits only; what is more than 2^31 counts as that.
pub(crate) fn delta_seconds(digits: &[u8]) -> Option<Duration> {
    const MOST: u64 = 1 << 31;
    if digits.is_empty() {
        return None;
    }
    let mut seconds = 0_u64;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        seconds = (seconds * 10 + u64::from(digit - b'0')).min(MOST);
    }
    Some(Duration::from_secs(seconds))
}
