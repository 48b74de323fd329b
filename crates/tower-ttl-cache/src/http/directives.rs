use std::time::Duration;

use http::{HeaderMap, header::CACHE_CONTROL};

/// What of `Cache-Control` the policy acts on, of a request (RFC 9111 section 5.2.1) or a response
/// (section 5.2.2).
///
/// Where a directive occurs more than once, the first counts (section 4.2.1). `no-cache` and
/// `private` with a list of fields are taken for the bare ones, which forbid more.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Directives {
    pub(crate) no_store: bool,
    pub(crate) no_cache: bool,
    pub(crate) private: bool,
    pub(crate) public: bool,
    pub(crate) must_revalidate: bool,
    pub(crate) max_age: Option<Duration>,
    pub(crate) s_maxage: Option<Duration>,
    pub(crate) min_fresh: Option<Duration>,
}

impl Directives {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut directives = Self::default();
        for line in headers.get_all(CACHE_CONTROL) {
            directives.read_line(line.as_bytes());
        }
        directives
    }

    fn read_line(&mut self, line: &[u8]) {
        let mut start = 0;
        let mut quoted = false;
        let mut escaped = false;
        for (at, &byte) in line.iter().enumerate() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                b',' if !quoted => {
                    self.read_member(&line[start..at]);
                    start = at + 1;
                }
                _ => {}
            }
        }
        // A quote that is never closed may hide anything: the most restrictive is assumed.
        if quoted {
            self.no_store = true;
        }
        self.read_member(&line[start..]);
    }

    fn read_member(&mut self, member: &[u8]) {
        let member = member.trim_ascii();
        let (name, value) = match member.iter().position(|&byte| byte == b'=') {
            Some(at) => (&member[..at], Some(&member[at + 1..])),
            None => (member, None),
        };
        let is = |expected: &str| name.eq_ignore_ascii_case(expected.as_bytes());
        if is("no-store") {
            self.no_store = true;
        } else if is("no-cache") {
            self.no_cache = true;
        } else if is("private") {
            self.private = true;
        } else if is("public") {
            self.public = true;
        } else if is("must-revalidate") {
            self.must_revalidate = true;
        } else if is("max-age") {
            // Section 4.2.1: what has no valid lifetime counts as stale.
            self.max_age
                .get_or_insert(seconds(value).unwrap_or(Duration::ZERO));
        } else if is("s-maxage") {
            self.s_maxage
                .get_or_insert(seconds(value).unwrap_or(Duration::ZERO));
        } else if is("min-fresh") {
            self.min_fresh
                .get_or_insert(seconds(value).unwrap_or(Duration::MAX));
        }
    }
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
