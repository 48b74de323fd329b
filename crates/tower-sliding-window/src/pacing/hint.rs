//! What the header of a response says about the quota.

use std::time::{Duration, SystemTime};

use ::http::{
    HeaderMap, StatusCode,
    header::{AGE, DATE, RETRY_AFTER},
};

/// What a server said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Hint {
    /// Nobody is to ask before.
    pub(super) hold: Option<Duration>,
    /// So many requests may follow within such a time.
    pub(super) left: Option<(u32, Duration)>,
}

/// Reads `Retry-After` of responses that ask for it, the `RateLimit` fields, and in their absence
/// those of older drafts and the `X-RateLimit-*` ones. Malformed fields are ignored, and all on a
/// response from a cache, which tells of somebody else's past.
pub(super) fn read(status: StatusCode, headers: &HeaderMap) -> Hint {
    let cached = text(headers, AGE.as_str()).is_some_and(|age| age.trim() != "0");
    if cached {
        return Hint::default();
    }
    let refused = matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
    );
    let retry_after = refused.then(|| retry_after(headers)).flatten();
    let mut hint = standard(headers)
        .or_else(|| older(headers, "ratelimit-"))
        .or_else(|| older(headers, "x-ratelimit-"))
        .unwrap_or_default();
    if retry_after.is_some() {
        // It wins over what the other fields say of the time.
        hint.hold = retry_after;
    }
    hint
}

/// `Retry-After` ([RFC 9110 section 10.2.3]): seconds, or a date, which is held against the
/// server's own if it gave one.
///
/// [RFC 9110 section 10.2.3]: https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = text(headers, RETRY_AFTER.as_str())?.trim();
    if let Some(seconds) = integer(value) {
        return Some(Duration::from_secs(seconds));
    }
    let at = httpdate::parse_http_date(value).ok()?;
    Some(at.duration_since(server_time(headers)).unwrap_or_default())
}

fn server_time(headers: &HeaderMap) -> SystemTime {
    text(headers, DATE.as_str())
        .and_then(|date| httpdate::parse_http_date(date).ok())
        .unwrap_or_else(SystemTime::now)
}

/// The fields of [draft-ietf-httpapi-ratelimit-headers-10]: of several policies, the one that
/// leaves least.
///
/// [draft-ietf-httpapi-ratelimit-headers-10]: https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/10/
fn standard(headers: &HeaderMap) -> Option<Hint> {
    let mut tightest: Option<(u32, Option<Duration>)> = None;
    let states = items(headers, "ratelimit")?;
    let policies = items(headers, "ratelimit-policy").unwrap_or_default();
    for state in &states {
        let remaining = state.number("r")?;
        let window = || {
            let policy = policies.iter().find(|policy| policy.name == state.name)?;
            policy.number("w")
        };
        let until = state.number("t").or_else(window).map(Duration::from_secs);
        let found = (u32::try_from(remaining).unwrap_or(u32::MAX), until);
        let tighter = tightest.is_none_or(|(least, longest)| {
            (found.0, std::cmp::Reverse(found.1)) < (least, std::cmp::Reverse(longest))
        });
        if tighter {
            tightest = Some(found);
        }
    }
    let (remaining, until) = tightest?;
    Some(within(remaining, until?))
}

/// Limit, remaining and reset as three fields. The reset is in seconds from now or, where the
/// number is too large for that, a time of Unix.
fn older(headers: &HeaderMap, prefix: &str) -> Option<Hint> {
    let number = |name| integer(text(headers, &format!("{prefix}{name}"))?.trim());
    let remaining = u32::try_from(number("remaining")?).unwrap_or(u32::MAX);
    let reset = number("reset")?;
    let until = if reset < 1_000_000_000 {
        Duration::from_secs(reset)
    } else {
        let at = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(reset))?;
        at.duration_since(server_time(headers)).unwrap_or_default()
    };
    Some(within(remaining, until))
}

fn within(remaining: u32, until: Duration) -> Hint {
    Hint {
        hold: (remaining == 0).then_some(until),
        left: (remaining > 0).then_some((remaining, until)),
    }
}

/// A member of a list of strings with parameters ([RFC 9651]).
///
/// [RFC 9651]: https://www.rfc-editor.org/rfc/rfc9651
#[derive(Debug)]
struct Item<'a> {
    name: &'a str,
    parameters: &'a str,
}

impl Item<'_> {
    fn number(&self, key: &str) -> Option<u64> {
        let parameters = self.parameters.split(';');
        // The last of equal keys counts.
        let mut pairs = parameters.filter_map(|pair| pair.split_once('='));
        let (_, value) = pairs.rfind(|(name, _)| name.trim() == key)?;
        integer(value)
    }
}

/// `None` when the field is missing or malformed. Names with escapes are taken for malformed: none
/// need them.
fn items<'a>(headers: &'a HeaderMap, field: &str) -> Option<Vec<Item<'a>>> {
    let mut items = Vec::new();
    for line in headers.get_all(field) {
        let mut rest = line.to_str().ok()?.trim();
        while !rest.is_empty() {
            let (name, after) = rest.strip_prefix('"')?.split_once('"')?;
            if name.contains('\\') {
                return None;
            }
            let end = after.find(',').unwrap_or(after.len());
            let (parameters, next) = after.split_at(end);
            let well_formed = parameters.trim().is_empty() || parameters.starts_with(';');
            if !well_formed {
                return None;
            }
            items.push(Item { name, parameters });
            rest = next.strip_prefix(',').unwrap_or(next).trim_start();
        }
    }
    (!items.is_empty()).then_some(items)
}

/// A non-negative integer of at most 15 digits.
fn integer(text: &str) -> Option<u64> {
    let plain = (1..=15).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

fn text<'a>(headers: &'a HeaderMap, field: &str) -> Option<&'a str> {
    headers.get(field)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use ::http::{HeaderName, HeaderValue};

    use super::*;

    fn hint(status: u16, fields: &[(&'static str, &'static str)]) -> Hint {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            let name = HeaderName::from_static(name);
            headers.append(name, HeaderValue::from_static(value));
        }
        read(StatusCode::from_u16(status).unwrap(), &headers)
    }

    fn hold(seconds: u64) -> Hint {
        Hint {
            hold: Some(Duration::from_secs(seconds)),
            left: None,
        }
    }

    fn left(requests: u32, seconds: u64) -> Hint {
        Hint {
            hold: None,
            left: Some((requests, Duration::from_secs(seconds))),
        }
    }

    #[test]
    fn the_fields_of_the_draft_are_read() {
        let policy = (
            "ratelimit-policy",
            r#""burst";q=10;w=5,"day";q=1000;w=86400"#,
        );
        assert_eq!(
            hint(200, &[("ratelimit", r#""burst";r=5;t=3"#)]),
            left(5, 3)
        );
        assert_eq!(hint(200, &[("ratelimit", r#""burst";r=0;t=3"#)]), hold(3));
        assert_eq!(
            hint(200, &[policy, ("ratelimit", r#""burst";r=5"#)]),
            left(5, 5)
        );
        assert_eq!(
            hint(200, &[("ratelimit", r#""burst";r=5"#)]),
            Hint::default()
        );
        // The one that leaves least; of two that leave nothing, the one that lasts.
        let both = r#""burst";r=5;t=3, "day";r=2;t=900;pk=:YWJj:"#;
        assert_eq!(hint(200, &[("ratelimit", both)]), left(2, 900));
        let full = [
            ("ratelimit", r#""burst";r=0;t=3"#),
            ("ratelimit", r#""day";r=0;t=900"#),
        ];
        assert_eq!(hint(429, &full), hold(900));
    }

    #[test]
    fn retry_after_wins_where_it_is_asked_for() {
        let state = ("ratelimit", r#""burst";r=0;t=3"#);
        assert_eq!(hint(429, &[state, ("retry-after", "7")]), hold(7));
        assert_eq!(hint(503, &[("retry-after", "7")]), hold(7));
        assert_eq!(hint(301, &[("retry-after", "7")]), Hint::default());
        let date = ("date", "Fri, 20 Nov 2026 10:00:00 GMT");
        let later = ("retry-after", "Fri, 20 Nov 2026 10:01:30 GMT");
        assert_eq!(hint(429, &[date, later]), hold(90));
        assert_eq!(
            hint(429, &[later, ("date", "Fri, 20 Nov 2026 11:00:00 GMT")]),
            hold(0)
        );
    }

    #[test]
    fn older_spellings_are_read() {
        let of = |remaining, reset| {
            [
                ("x-ratelimit-limit", "60"),
                ("x-ratelimit-remaining", remaining),
                ("x-ratelimit-reset", reset),
            ]
        };
        assert_eq!(hint(200, &of("12", "30")), left(12, 30));
        assert_eq!(hint(200, &of("0", "30")), hold(30));
        let mut epoch = of("0", "1795168860").to_vec();
        epoch.push(("date", "Fri, 20 Nov 2026 10:00:00 GMT"));
        assert_eq!(hint(200, &epoch), hold(60));
        let draft = [("ratelimit-remaining", "3"), ("ratelimit-reset", "9")];
        assert_eq!(hint(200, &draft), left(3, 9));
    }

    #[test]
    fn what_is_malformed_or_cached_says_nothing() {
        for value in [
            "",
            "burst;r=0;t=3",
            r#""burst"r=0"#,
            r#""burst;r=0;t=3"#,
            r#""b";r=-1;t=3"#,
            r#""b";r=1.5;t=3"#,
            r#""b";t=3"#,
            r#""b\"";r=0;t=3"#,
            r#""b";r=9999999999999999;t=3"#,
        ] {
            assert_eq!(
                hint(200, &[("ratelimit", value)]),
                Hint::default(),
                "{value}"
            );
        }
        assert_eq!(hint(429, &[("retry-after", "soon")]), Hint::default());
        assert_eq!(hint(429, &[("retry-after", "-1")]), Hint::default());
        let full = ("ratelimit", r#""burst";r=0;t=3"#);
        assert_eq!(hint(200, &[full, ("age", "12")]), Hint::default());
        assert_eq!(hint(200, &[full, ("age", "0")]), hold(3));
    }
}
