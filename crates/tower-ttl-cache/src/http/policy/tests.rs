//! One row a clause. Section numbers are those of RFC 9111 unless another is named.

use std::time::UNIX_EPOCH;

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};

use super::*;
use crate::http::outcome::BypassReason;

/// 1994-11-06 08:49:37 GMT, and 0.9 s.
fn wall() -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(784_111_777_900)
}

const NOW: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
const MINUTE_AGO: &str = "Sun, 06 Nov 1994 08:48:37 GMT";
const IN_A_MINUTE: &str = "Sun, 06 Nov 1994 08:50:37 GMT";

mod differential;
mod noise;

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

fn wants(policy: &Policy, lines: &Lines) -> Wants {
    match policy.plan(&request(lines)) {
        Plan::Lookup(wants) => wants,
        other => panic!("{lines:?}: {other:?}"),
    }
}

fn arrival(delay: u64) -> Arrival {
    Arrival {
        wall: wall(),
        delay: Duration::from_secs(delay),
    }
}

fn terms_under(policy: &Policy, ask: &Lines, answer: &Lines) -> Option<Terms> {
    policy
        .storable(
            &wants(policy, ask),
            StatusCode::OK,
            &headers(answer),
            arrival(0),
        )
        .map(|storable| storable.terms)
}

fn terms(mode: Mode, ask: &Lines, answer: &Lines) -> Option<Terms> {
    terms_under(&Policy::new(mode), ask, answer)
}

/// Fresh for so many seconds after its arrival; 0 for a response that does not answer on its own.
fn fresh_for(mode: Mode, answer: &Lines) -> u64 {
    terms(mode, &[], answer)
        .filter(Terms::is_fresh)
        .map_or(0, |terms| terms.fresh_for.as_secs())
}

/// What a response is good for, `resident` milliseconds after its arrival.
fn reuse(policy: &Policy, ask: &Lines, answer: &Lines, resident: u64) -> Reuse {
    terms_under(policy, &[], answer)
        .unwrap_or_else(|| panic!("not stored: {answer:?}"))
        .reuse(&wants(policy, ask), Duration::from_millis(resident))
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
        ("5.3 two of them", &[("expires", IN_A_MINUTE), ("expires", IN_A_MINUTE), ("date", NOW)], 0, 0),
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
        ("5.2.2.4 no-cache with fields", &[("cache-control", "no-cache=\"x\"")], true, true),
        ("5.2.2.4 no-cache with no list", &[("cache-control", "no-cache=x")], false, false),
        ("5.2.2.4 no-cache with an empty list", &[("cache-control", "no-cache=\"\"")], false, false),
        ("5.2.2.7 private", &[("cache-control", "private")], true, false),
        ("5.2.2.7 private with fields", &[("cache-control", "private=\"x\"")], true, true),
        ("5.2.2.2 must-revalidate", &[("cache-control", "must-revalidate")], true, true),
        ("5.2.2.3 must-understand", &[("cache-control", "must-understand, no-store")], true, true),
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

/// Section 3: any final status with a lifetime, some without.
#[test]
fn the_status_decides_what_may_be_stored_without_a_lifetime() {
    let mut policy = Policy::new(Mode::Shared);
    policy.heuristic = Some(Duration::from_secs(86_400));
    let fresh = |status, answer: &Lines| {
        let status = StatusCode::from_u16(status).unwrap();
        policy
            .storable(&wants(&policy, &[]), status, &headers(answer), arrival(0))
            .is_some_and(|storable| storable.terms.is_fresh())
    };
    let explicit: &Lines = &[("cache-control", "max-age=60")];
    let old: &Lines = &[("last-modified", "Sat, 05 Nov 1994 08:49:37 GMT")];
    let public = [old, &[("cache-control", "public")]].concat();
    let understood: &Lines = &[("cache-control", "max-age=60, must-understand")];
    #[rustfmt::skip]
    let table = [
        // status, with a lifetime, by heuristics, the same with `public`, with must-understand
        (200, true, true, true, true), (201, true, false, true, true), (202, true, false, true, true),
        (203, true, true, true, true), (204, true, true, true, true), (299, true, false, true, false),
        (301, true, true, true, true), (302, true, false, true, true), (307, true, false, true, true),
        (308, true, true, true, true), (400, true, false, true, true), (403, true, false, true, true),
        (404, true, true, true, true), (405, true, true, true, true), (410, true, true, true, true),
        (414, true, true, true, true), (499, true, false, true, false), (500, true, false, true, true),
        (501, true, true, true, true), (503, true, false, true, true), (599, true, false, true, false),
        // A part, and words about another response or a part of it.
        (206, false, false, false, false), (304, false, false, false, false),
        (416, false, false, false, false), (100, false, false, false, false), (103, false, false, false, false),
    ];
    for (status, by_lifetime, by_guess, as_public, by_understanding) in table {
        assert_eq!(fresh(status, explicit), by_lifetime, "{status}");
        assert_eq!(fresh(status, old), by_guess, "{status} by heuristics");
        assert_eq!(fresh(status, &public), as_public, "{status} public");
        assert_eq!(
            fresh(status, understood),
            by_understanding,
            "{status} understood"
        );
    }
}

/// Section 4.2.2.
#[test]
fn a_heuristic_lifetime_is_a_tenth_of_the_time_since_the_last_change() {
    let day_ago: &Lines = &[("last-modified", "Sat, 05 Nov 1994 08:49:37 GMT")];
    let lifetime = |most, answer: &Lines| {
        let mut policy = Policy::new(Mode::Private);
        policy.heuristic = Some(Duration::from_secs(most));
        terms_under(&policy, &[], answer).map(|terms| terms.fresh_for.as_secs())
    };
    assert_eq!(lifetime(86_400, day_ago), Some(8_640));
    assert_eq!(lifetime(60, day_ago), Some(60));
    assert_eq!(lifetime(60, &[]), None);
    let named = [day_ago, &[("cache-control", "max-age=7")]].concat();
    assert_eq!(lifetime(60, &named), Some(7));
    // Off: kept for validation alone.
    assert_eq!(fresh_for(Mode::Private, day_ago), 0);
    assert!(terms(Mode::Private, &[], day_ago).is_some());
}

/// Section 4.3: a validator makes a response worth keeping that does not answer on its own.
#[test]
fn what_can_be_validated_is_kept() {
    #[rustfmt::skip]
    let table: &[(&Lines, bool)] = &[
        (&[], false),
        (&[("cache-control", "max-age=0")], false),
        (&[("cache-control", "no-cache")], false),
        (&[("etag", "\"a\"")], true),
        (&[("last-modified", MINUTE_AGO)], true),
        (&[("etag", "\"a\""), ("cache-control", "no-cache")], true),
        (&[("etag", "\"a\""), ("expires", MINUTE_AGO)], true),
        (&[("etag", "\"a\""), ("cache-control", "no-store")], false),
        // It may still answer in place of an error.
        (&[("cache-control", "max-age=0, stale-if-error=60")], true),
    ];
    for (answer, kept) in table {
        assert_eq!(
            terms(Mode::Private, &[], answer).is_some(),
            *kept,
            "{answer:?}"
        );
    }
}

/// RFC 9213 section 2.1.
#[test]
fn a_targeted_field_takes_the_place_of_the_common_ones() {
    let mut policy = Policy::new(Mode::Shared);
    policy.targeted = vec![
        HeaderName::from_static("x-cache-control"),
        HeaderName::from_static("cdn-cache-control"),
    ];
    let past = ("expires", MINUTE_AGO);
    #[rustfmt::skip]
    let table: &[(&Lines, u64)] = &[
        (&[("cdn-cache-control", "max-age=60")], 60),
        (&[("cdn-cache-control", "max-age=60"), past], 60),
        (&[("cdn-cache-control", "max-age=60"), ("cache-control", "no-store")], 60),
        (&[("cdn-cache-control", "max-age=60"), ("cache-control", "max-age=1")], 60),
        (&[("cdn-cache-control", "max-age=1"), ("cache-control", "max-age=60")], 1),
        (&[("cdn-cache-control", "max-age=0"), ("expires", IN_A_MINUTE)], 0),
        (&[("cdn-cache-control", "private"), ("cache-control", "max-age=60")], 0),
        (&[("cdn-cache-control", "no-cache"), ("cache-control", "max-age=60")], 0),
        (&[("cdn-cache-control", "no-store"), ("cache-control", "max-age=60")], 0),
        (&[("cdn-cache-control", "max-age=60"), ("age", "45")], 15),
        (&[("cdn-cache-control", "max-age=60"), ("x-cache-control", "max-age=5")], 5),
        // What cannot be parsed is not there.
        (&[("cdn-cache-control", "max-age=60, &&"), ("cache-control", "max-age=9")], 9),
        (&[("cdn-cache-control", "max-age=\"60\""), ("cache-control", "no-store")], 0),
        (&[("cdn-cache-control", ""), ("cache-control", "max-age=9")], 9),
        // Nobody asked for this one.
        (&[("surrogate-control", "max-age=60")], 0),
    ];
    for (answer, seconds) in table {
        let fresh = terms_under(&policy, &[], answer)
            .filter(Terms::is_fresh)
            .map_or(0, |terms| terms.fresh_for.as_secs());
        assert_eq!(fresh, *seconds, "{answer:?}");
    }
}

/// Section 4.2.4 and RFC 5861: prohibitions first.
#[test]
fn a_stale_response_answers_within_its_window_and_never_against_a_prohibition() {
    let late = Duration::from_secs(61);
    let on_error = |mode, directives: &'static str| {
        let stored = terms(mode, &[], &[("cache-control", directives)]).unwrap();
        stored.on_error(&wants(&Policy::new(mode), &[]), late)
    };
    #[rustfmt::skip]
    let table = [
        // response, private, shared
        ("max-age=60", false, false),
        ("max-age=60, stale-if-error=1", false, false),
        ("max-age=60, stale-if-error=2", true, true),
        ("max-age=60, stale-if-error=2, must-revalidate", false, false),
        ("max-age=60, stale-if-error=2, proxy-revalidate", true, false),
        ("max-age=60, s-maxage=60, stale-if-error=2", true, false),
        ("max-age=60, stale-while-revalidate=2", false, false),
    ];
    for (directives, private, shared) in table {
        assert_eq!(on_error(Mode::Private, directives), private, "{directives}");
        assert_eq!(on_error(Mode::Shared, directives), shared, "{directives}");
    }

    let mut policy = Policy::new(Mode::Shared);
    let by_default = |policy: &Policy, directives: &'static str| {
        let stored = terms_under(policy, &[], &[("cache-control", directives)]).unwrap();
        stored.on_error(&wants(policy, &[]), late)
    };
    policy.stale_if_error = Some(Duration::from_secs(2));
    assert!(by_default(&policy, "max-age=60"));
    assert!(!by_default(&policy, "max-age=60, stale-if-error=0"));
    assert!(!by_default(&policy, "max-age=60, must-revalidate"));
    assert!(!by_default(&policy, "s-maxage=60"));
}

/// RFC 5861 section 3.
#[test]
fn a_stale_response_answers_while_it_is_validated_until_its_window_ends() {
    let policy = Policy::new(Mode::Shared);
    let answer = |directives| [("cache-control", directives)];
    let at = |directives, milliseconds| reuse(&policy, &[], &answer(directives), milliseconds);
    let window = "max-age=10, stale-while-revalidate=5";
    assert_eq!(at(window, 9_999), Reuse::Fresh);
    assert_eq!(at(window, 10_000), Reuse::WhileRevalidate);
    assert_eq!(at(window, 14_999), Reuse::WhileRevalidate);
    assert_eq!(at(window, 15_000), Reuse::Validate);
    let forbidden = "max-age=10, stale-while-revalidate=5, must-revalidate";
    assert_eq!(at(forbidden, 10_000), Reuse::Validate);
    let asked: &Lines = &[("cache-control", "max-age=60")];
    assert_eq!(
        reuse(&policy, asked, &answer(window), 10_000),
        Reuse::Validate
    );
}

/// RFC 8246 section 2.
#[test]
fn a_reload_does_not_ask_again_for_what_is_immutable() {
    let policy = Policy::new(Mode::Private);
    let reload: &Lines = &[("cache-control", "max-age=0")];
    let answer: &Lines = &[("cache-control", "max-age=60, immutable")];
    assert_eq!(reuse(&policy, reload, answer, 0), Reuse::Fresh);
    assert_eq!(reuse(&policy, reload, answer, 60_000), Reuse::Validate);
    let insisting: &Lines = &[("cache-control", "no-cache")];
    assert_eq!(reuse(&policy, insisting, answer, 0), Reuse::Validate);
    let plain: &Lines = &[("cache-control", "max-age=60")];
    assert_eq!(reuse(&policy, reload, plain, 0), Reuse::Validate);
}

/// A flaw of caches that encode "do not use" as a lifetime of zero.
#[test]
fn max_stale_relaxes_expiry_and_nothing_else() {
    let policy = Policy::new(Mode::Shared);
    let any: &Lines = &[("cache-control", "max-stale")];
    let two: &Lines = &[("cache-control", "max-stale=2")];
    let plain: &Lines = &[("cache-control", "max-age=60")];
    assert_eq!(reuse(&policy, any, plain, 9_000_000), Reuse::MaxStale);
    assert_eq!(reuse(&policy, two, plain, 62_000), Reuse::MaxStale);
    assert_eq!(reuse(&policy, two, plain, 62_001), Reuse::Validate);
    for forbidding in [
        "max-age=60, must-revalidate",
        "s-maxage=60",
        "max-age=60, proxy-revalidate",
    ] {
        let answer: &Lines = &[("cache-control", forbidding)];
        assert_eq!(
            reuse(&policy, any, answer, 61_000),
            Reuse::Validate,
            "{forbidding}"
        );
    }
    let unusable: &Lines = &[("cache-control", "max-age=60, no-cache"), ("etag", "\"a\"")];
    assert_eq!(reuse(&policy, any, unusable, 0), Reuse::Validate);
    let cookie: &Lines = &[("cache-control", "max-age=60"), ("set-cookie", "a=b")];
    assert_eq!(terms_under(&policy, any, cookie), None);
    let stranger: &Lines = &[("cache-control", "max-stale"), ("authorization", "x")];
    assert_eq!(reuse(&policy, stranger, plain, 0), Reuse::No);
}

#[test]
fn a_cookie_is_stored_only_where_that_is_asked_for() {
    let answer: &Lines = &[("cache-control", "max-age=60"), ("set-cookie", "a=b")];
    let stored = |set_cookie| {
        let mut policy = Policy::new(Mode::Shared);
        policy.set_cookie = set_cookie;
        let status = StatusCode::OK;
        policy.storable(&wants(&policy, &[]), status, &headers(answer), arrival(0))
    };
    assert_eq!(stored(SetCookie::default()), None);
    assert_eq!(stored(SetCookie::Strip).unwrap().withheld, [SET_COOKIE]);
    assert!(stored(SetCookie::Store).unwrap().withheld.is_empty());
}

/// Section 4.2.3: the time the response took counts as age.
#[test]
fn a_slow_response_is_older_when_it_arrives() {
    let policy = Policy::new(Mode::Private);
    let slow = |delay| {
        let answer = headers(&[("cache-control", "max-age=60"), ("age", "10")]);
        policy
            .storable(
                &wants(&policy, &[]),
                StatusCode::OK,
                &answer,
                arrival(delay),
            )
            .map(|storable| storable.terms)
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
        let answered = anonymous.reuse(&wants(&policy, authorized), Duration::ZERO);
        assert_eq!(answered == Reuse::Fresh, together, "answered: {directives}");
        assert!(terms(Mode::Private, authorized, answer).is_some() || directives == "s-maxage=60");
    }
}

#[test]
fn the_default_lifetime_fills_in_only_where_none_is_named() {
    let assigned = |mode, ask: &Lines, answer: &Lines| {
        let mut policy = Policy::new(mode);
        policy.default_ttl = Some(Duration::from_secs(300));
        policy
            .storable(
                &wants(&policy, ask),
                StatusCode::OK,
                &headers(answer),
                arrival(7),
            )
            .map(|storable| storable.terms.fresh_for.as_secs())
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
    let policy = Policy::new(Mode::Private);
    let answer: &Lines = &[("cache-control", "max-age=60"), ("age", "10")];
    let answers = |directives, resident| {
        reuse(&policy, &[("cache-control", directives)], answer, resident) == Reuse::Fresh
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
fn what_a_cache_cannot_answer_goes_past_it() {
    let plan = |method: Method, lines: &Lines| {
        let mut request = request(lines);
        *request.method_mut() = method;
        Policy::new(Mode::Private).plan(&request)
    };
    // RFC 9110 section 9.2.1 names the safe methods; section 4.4 invalidates after the others.
    for method in [Method::OPTIONS, Method::TRACE] {
        assert_eq!(plan(method, &[]), Plan::Bypass(BypassReason::Method));
    }
    let unknown = Method::from_bytes(b"X-NEW").unwrap();
    for method in [Method::POST, Method::PUT, Method::DELETE, unknown] {
        assert_eq!(plan(method, &[]), Plan::Invalidate);
    }
    #[rustfmt::skip]
    let table: &[(&str, &str, Option<BypassReason>)] = &[
        ("range", "bytes=0-1", None),
        ("range", "bytes=-1", None),
        ("range", "bytes=0-1, 4-5", Some(BypassReason::Range)),
        ("range", "lines=0-1", Some(BypassReason::Range)),
        ("range", "bytes=2-1", Some(BypassReason::Range)),
        ("if-none-match", "\"a\"", None),
        ("if-modified-since", NOW, None),
        ("if-range", "\"a\"", None),
        ("if-match", "\"a\"", Some(BypassReason::Conditional)),
        ("if-unmodified-since", NOW, Some(BypassReason::Conditional)),
        ("upgrade", "websocket", Some(BypassReason::Upgrade)),
        ("content-length", "3", Some(BypassReason::Content)),
        ("transfer-encoding", "chunked", Some(BypassReason::Content)),
        ("cache-control", "no-store", Some(BypassReason::NoStore)),
        ("content-length", "0", None),
        ("cache-control", "no-cache", None),
        ("cookie", "a=b", None),
    ];
    for method in [Method::GET, Method::HEAD] {
        for &(name, value, bypassed) in table {
            let planned = plan(method.clone(), &[(name, value)]);
            match bypassed {
                Some(reason) => assert_eq!(planned, Plan::Bypass(reason), "{name}: {value}"),
                None => assert!(matches!(planned, Plan::Lookup(_)), "{name}: {value}"),
            }
        }
    }
}

#[test]
fn requests_can_be_disregarded() {
    let mut policy = Policy::new(Mode::Shared);
    policy.heeds_requests = false;
    let answer: &Lines = &[("cache-control", "max-age=60")];
    for directives in ["no-cache", "max-age=0", "no-store", "min-fresh=100"] {
        let ask: &Lines = &[("cache-control", directives)];
        assert_eq!(reuse(&policy, ask, answer, 0), Reuse::Fresh, "{directives}");
    }
}
