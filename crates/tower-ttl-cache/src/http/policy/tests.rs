//! One row a clause. Section numbers are those of RFC 9111 unless another is named.

use std::time::UNIX_EPOCH;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::*;

/// 1994-11-06 08:49:37 GMT, and 0.9 s.
fn wall() -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(784_111_777_900)
}

const NOW: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
const MINUTE_AGO: &str = "Sun, 06 Nov 1994 08:48:37 GMT";
const IN_A_MINUTE: &str = "Sun, 06 Nov 1994 08:50:37 GMT";

type Lines = [(&'static str, &'static str)];

fn headers(lines: &Lines) -> HeaderMap {
    lines
        .iter()
        .map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        })
        .collect()
}

fn request(lines: &Lines) -> Request<()> {
    let mut request = Request::new(());
    *request.headers_mut() = headers(lines);
    request
}

fn wants(policy: Policy, lines: &Lines) -> Wants {
    match policy.plan(&request(lines)) {
        Plan::Lookup(wants) => wants,
        other => panic!("{lines:?}: {other:?}"),
    }
}

fn terms_after(mode: Mode, ask: &Lines, answer: &Lines, delay: Duration) -> Option<Terms> {
    let policy = Policy::new(mode);
    let arrival = Arrival {
        wall: wall(),
        delay,
    };
    policy.terms(
        &wants(policy, ask),
        StatusCode::OK,
        &headers(answer),
        arrival,
    )
}

fn terms(mode: Mode, ask: &Lines, answer: &Lines) -> Option<Terms> {
    terms_after(mode, ask, answer, Duration::ZERO)
}

/// Fresh for so many seconds after its arrival; 0 for a response that is not stored.
fn fresh_for(mode: Mode, answer: &Lines) -> u64 {
    terms(mode, &[], answer).map_or(0, |terms| terms.fresh_for.as_secs())
}

#[test]
fn a_response_is_fresh_for_the_lifetime_it_names() {
    #[rustfmt::skip]
    let table: &[(&str, &Lines, u64, u64)] = &[
        // clause, response, private, shared
        ("4.2.1 no lifetime", &[], 0, 0),
        ("5.2.2.1 max-age", &[("cache-control", "max-age=60")], 60, 60),
        ("5.2.2.1 zero", &[("cache-control", "max-age=0")], 0, 0),
        ("5.2 names in any case", &[("cache-control", "Max-AGE=60")], 60, 60),
        ("5.2 quoted argument", &[("cache-control", "max-age=\"60\"")], 60, 60),
        ("5.2 single quotes are none", &[("cache-control", "max-age='60'")], 0, 0),
        ("5.2 no space around =", &[("cache-control", "max-age =60")], 0, 0),
        ("5.2 no space around =", &[("cache-control", "max-age= 60")], 0, 0),
        ("5.2 inside another's quotes", &[("cache-control", "x=\"a, max-age=9\", max-age=60")], 60, 60),
        ("5.2 escaped quote", &[("cache-control", "x=\"\\\", max-age=9\", max-age=60")], 60, 60),
        ("5.2 unclosed quote", &[("cache-control", "max-age=60, x=\"no-store")], 0, 0),
        ("5.2 several lines", &[("cache-control", "public"), ("cache-control", "max-age=60")], 60, 60),
        ("1.2.2 no digits", &[("cache-control", "max-age=")], 0, 0),
        ("1.2.2 sign", &[("cache-control", "max-age=-60")], 0, 0),
        ("1.2.2 fraction", &[("cache-control", "max-age=60.5")], 0, 0),
        ("1.2.2 overflow", &[("cache-control", "max-age=99999999999999999999999")], 1 << 31, 1 << 31),
        ("4.2.1 the first of two", &[("cache-control", "max-age=60, max-age=9")], 60, 60),
        ("4.2.1 invalid is stale", &[("cache-control", "max-age=x"), ("expires", IN_A_MINUTE)], 0, 0),
        ("5.2.2.10 s-maxage", &[("cache-control", "s-maxage=60, max-age=9")], 9, 60),
        ("5.2.2.10 s-maxage alone", &[("cache-control", "s-maxage=60")], 0, 60),
        ("5.3 Expires minus Date", &[("expires", IN_A_MINUTE), ("date", NOW)], 60, 60),
        ("5.3 without Date", &[("expires", IN_A_MINUTE)], 60, 60),
        ("5.3 in the past", &[("expires", MINUTE_AGO), ("date", NOW)], 0, 0),
        ("5.3 now", &[("expires", NOW), ("date", NOW)], 0, 0),
        ("5.3 no date", &[("expires", "0")], 0, 0),
        ("5.3 max-age goes before", &[("cache-control", "max-age=60"), ("expires", MINUTE_AGO)], 60, 60),
        ("4.2.3 Age", &[("cache-control", "max-age=60"), ("age", "45")], 15, 15),
        ("4.2.3 Age spent", &[("cache-control", "max-age=60"), ("age", "60")], 0, 0),
        ("5.1 first of a list", &[("cache-control", "max-age=60"), ("age", "20, 50")], 40, 40),
        ("5.1 no number", &[("cache-control", "max-age=60"), ("age", "45.5")], 60, 60),
        ("4.2.3 apparent age", &[("cache-control", "max-age=90"), ("date", MINUTE_AGO)], 30, 30),
        ("4.2.3 the greater", &[("cache-control", "max-age=90"), ("date", MINUTE_AGO), ("age", "70")], 20, 20),
        ("4.2.3 Date ahead", &[("cache-control", "max-age=60"), ("date", IN_A_MINUTE)], 60, 60),
    ];
    for (clause, answer, private, shared) in table {
        assert_eq!(fresh_for(Mode::Private, answer), *private, "{clause}");
        assert_eq!(fresh_for(Mode::Shared, answer), *shared, "{clause}");
    }
}

#[test]
fn what_forbids_storing_goes_before_any_lifetime() {
    #[rustfmt::skip]
    let table: &[(&str, &Lines, bool, bool)] = &[
        // clause, response with max-age=60, private, shared
        ("5.2.2.5 no-store", &[("cache-control", "no-store")], false, false),
        ("5.2.2.4 no-cache", &[("cache-control", "no-cache")], false, false),
        ("5.2.2.4 no-cache with fields", &[("cache-control", "no-cache=\"x\"")], false, false),
        ("5.2.2.7 private", &[("cache-control", "private")], true, false),
        ("5.2.2.7 private with fields", &[("cache-control", "private=\"x\"")], true, false),
        ("5.2.2.2 must-revalidate", &[("cache-control", "must-revalidate")], true, true),
        ("5.2.3 unknown", &[("cache-control", "x-new=1")], true, true),
        ("RFC 6265 Set-Cookie", &[("set-cookie", "a=b")], false, false),
    ];
    for (clause, lines, private, shared) in table {
        let answer = [*lines, &[("cache-control", "max-age=60")]].concat();
        assert_eq!(
            fresh_for(Mode::Private, &answer) == 60,
            *private,
            "{clause}"
        );
        assert_eq!(fresh_for(Mode::Shared, &answer) == 60, *shared, "{clause}");
    }
}

#[test]
fn only_a_200_is_stored() {
    let policy = Policy::new(Mode::Private);
    let arrival = Arrival {
        wall: wall(),
        delay: Duration::ZERO,
    };
    let fresh = headers(&[("cache-control", "max-age=60")]);
    for status in [200, 201, 204, 206, 301, 304, 404, 500] {
        let status = StatusCode::from_u16(status).unwrap();
        let stored = policy.terms(&wants(policy, &[]), status, &fresh, arrival);
        assert_eq!(stored.is_some(), status == StatusCode::OK, "{status}");
    }
}

/// Section 4.2.3: the time the response took counts as age.
#[test]
fn a_slow_response_is_older_when_it_arrives() {
    let slow = |delay| {
        terms_after(
            Mode::Private,
            &[],
            &[("cache-control", "max-age=60"), ("age", "10")],
            Duration::from_secs(delay),
        )
    };
    assert_eq!(slow(20).unwrap().fresh_for, Duration::from_secs(30));
    assert_eq!(slow(20).unwrap().age(Duration::ZERO).as_secs(), 30);
    assert_eq!(slow(50), None);
}

/// Section 3.5, and the stricter rule of this cache for being answered.
#[test]
fn a_shared_cache_keeps_authorized_requests_apart() {
    #[rustfmt::skip]
    let table: &[(&str, bool)] = &[
        ("max-age=60", false),
        ("max-age=60, public", true),
        ("max-age=60, must-revalidate", true),
        ("s-maxage=60", true),
        ("max-age=60, proxy-revalidate", false),
    ];
    let authorized = &[("authorization", "Bearer x")];
    let policy = Policy::new(Mode::Shared);
    for &(directives, together) in table {
        let answer = &[("cache-control", directives)];
        let stored = terms(Mode::Shared, authorized, answer);
        assert_eq!(stored.is_some(), together, "stored: {directives}");
        let anonymous = terms(Mode::Shared, &[], answer).unwrap();
        let answered = anonymous.answer(&wants(policy, authorized), Duration::ZERO);
        assert_eq!(answered, together, "answered: {directives}");
        assert!(terms(Mode::Private, authorized, answer).is_some() || directives == "s-maxage=60");
    }
}

#[test]
fn the_default_lifetime_fills_in_only_where_none_is_named() {
    let assigned = |mode, ask: &Lines, answer: &Lines| {
        let mut policy = Policy::new(mode);
        policy.default_ttl = Some(Duration::from_secs(300));
        let arrival = Arrival {
            wall: wall(),
            delay: Duration::from_secs(7),
        };
        policy
            .terms(
                &wants(policy, ask),
                StatusCode::OK,
                &headers(answer),
                arrival,
            )
            .map(|terms| terms.fresh_for.as_secs())
    };
    let cookie: &Lines = &[("cookie", "a=b")];
    let authorized: &Lines = &[("authorization", "x")];
    // Counted from the arrival: neither delay, nor Age, nor a wrong Date shortens it.
    let old: &Lines = &[("age", "900"), ("date", MINUTE_AGO)];
    assert_eq!(assigned(Mode::Private, &[], old), Some(300));
    assert_eq!(assigned(Mode::Private, authorized, &[]), Some(300));
    assert_eq!(assigned(Mode::Shared, &[], &[]), Some(300));
    assert_eq!(assigned(Mode::Shared, cookie, &[]), None);
    assert_eq!(assigned(Mode::Shared, authorized, &[]), None);
    let forbidden: &Lines = &[("cache-control", "no-store")];
    assert_eq!(assigned(Mode::Private, &[], forbidden), None);
    let expired: &Lines = &[("expires", "0")];
    assert_eq!(assigned(Mode::Private, &[], expired), None);
    let named: &Lines = &[("cache-control", "max-age=60")];
    assert_eq!(assigned(Mode::Shared, cookie, named), Some(53));
}

#[test]
fn a_request_limits_what_will_do() {
    let stored = terms(
        Mode::Private,
        &[],
        &[("cache-control", "max-age=60"), ("age", "10")],
    )
    .unwrap();
    let policy = Policy::new(Mode::Private);
    let answers = |directives, resident| {
        stored.answer(
            &wants(policy, &[("cache-control", directives)]),
            Duration::from_millis(resident),
        )
    };
    #[rustfmt::skip]
    let table = [
        // clause, request, milliseconds in the store, answered
        ("4.2 fresh", "", 49_999, true),
        ("4.2 lifetime equals age", "", 50_000, false),
        ("4.2 later", "", 50_001, false),
        ("5.2.1.4 no-cache", "no-cache", 0, false),
        ("5.2.1.1 max-age met", "max-age=30", 20_000, true),
        ("5.2.1.1 max-age passed", "max-age=30", 20_001, false),
        ("5.2.1.1 zero", "max-age=0", 0, false),
        ("5.2.1.1 invalid", "max-age=x", 0, false),
        ("5.2.1.1 longer than the lifetime", "max-age=3600", 50_000, false),
        ("5.2.1.3 min-fresh met", "min-fresh=20", 30_000, true),
        ("5.2.1.3 min-fresh missed", "min-fresh=20", 30_001, false),
        ("5.2.1.3 invalid", "min-fresh=x", 0, false),
        ("5.2.1.2 max-stale", "max-stale=100", 50_000, false),
    ];
    for (clause, directives, resident, answered) in table {
        assert_eq!(answers(directives, resident), answered, "{clause}");
    }
}

#[test]
fn only_a_plain_get_is_looked_up() {
    let plan = |method: Method, lines: &Lines| {
        let mut request = request(lines);
        *request.method_mut() = method;
        Policy::new(Mode::Private).plan(&request)
    };
    // RFC 9110 section 9.2.1 names the safe methods; section 4.4 invalidates after the others.
    for method in [Method::HEAD, Method::OPTIONS, Method::TRACE] {
        assert_eq!(plan(method, &[]), Plan::Bypass(BypassReason::Method));
    }
    let unknown = Method::from_bytes(b"X-NEW").unwrap();
    for method in [Method::POST, Method::PUT, Method::DELETE, unknown] {
        assert_eq!(plan(method, &[]), Plan::Invalidate);
    }
    #[rustfmt::skip]
    let table: &[(&str, &str, Option<BypassReason>)] = &[
        ("range", "bytes=0-1", Some(BypassReason::Range)),
        ("if-none-match", "\"a\"", Some(BypassReason::Conditional)),
        ("if-match", "\"a\"", Some(BypassReason::Conditional)),
        ("if-modified-since", NOW, Some(BypassReason::Conditional)),
        ("if-unmodified-since", NOW, Some(BypassReason::Conditional)),
        ("if-range", "\"a\"", Some(BypassReason::Conditional)),
        ("upgrade", "websocket", Some(BypassReason::Upgrade)),
        ("content-length", "3", Some(BypassReason::Content)),
        ("transfer-encoding", "chunked", Some(BypassReason::Content)),
        ("cache-control", "no-store", Some(BypassReason::NoStore)),
        ("content-length", "0", None),
        ("cache-control", "no-cache", None),
        ("cookie", "a=b", None),
    ];
    for &(name, value, bypassed) in table {
        let planned = plan(Method::GET, &[(name, value)]);
        match bypassed {
            Some(reason) => assert_eq!(planned, Plan::Bypass(reason), "{name}: {value}"),
            None => assert!(matches!(planned, Plan::Lookup(_)), "{name}: {value}"),
        }
    }
}
