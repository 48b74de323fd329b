//! Against another implementation of the same standard.
//!
//! Where the two differ on purpose, the cases are left out below:
//!
//! - A `Date` that is older than `Age` tells: here the greater counts (RFC 9111 section 4.2.3), the
//!   other does not look at the date.
//! - A directive that occurs twice with different values: here the first counts (section 4.2.1), the
//!   other takes that for `must-revalidate`.
//! - `proxy-revalidate` forbids stale answers (section 5.2.2.8); with the other, fresh ones too.

use http::{Request, Response};
use http_cache_semantics::{CacheOptions, CachePolicy};
use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
struct Case {
    shared: bool,
    authorized: bool,
    ask: Vec<String>,
    answer: Vec<String>,
    age: Option<u64>,
    /// Seconds before the arrival.
    sent: Option<u64>,
    /// Seconds after the arrival.
    expires: Option<u64>,
    tagged: bool,
    resident: u64,
}

fn directive(
    names: &'static [&'static str],
    with: &'static [&'static str],
) -> impl Strategy<Value = String> {
    let bare = prop::sample::select(names).prop_map(str::to_owned);
    let valued = (prop::sample::select(with), 0..40_u64)
        .prop_map(|(name, seconds)| format!("{name}={seconds}"));
    prop_oneof![bare, valued]
}

fn case() -> impl Strategy<Value = Case> {
    let answer = directive(
        &[
            "public",
            "private",
            "no-store",
            "no-cache",
            "must-revalidate",
            "x-new",
        ],
        &["max-age", "s-maxage", "max-age", "x-new"],
    );
    let ask = directive(&["no-cache", "x-new"], &["max-age", "min-fresh"]);
    let seconds = || prop::option::of(0..40_u64);
    (
        (any::<bool>(), prop::bool::weighted(0.2)),
        (
            prop::collection::vec(ask, 0..2),
            prop::collection::vec(answer, 0..4),
        ),
        (seconds(), seconds(), seconds(), any::<bool>()),
        0..50_u64,
    )
        .prop_map(
            |((shared, authorized), (ask, answer), (age, sent, expires, tagged), resident)| Case {
                shared,
                authorized,
                ask,
                answer: each_once(answer),
                // As old as the date tells, at least.
                age: age.max(sent),
                sent,
                expires,
                tagged,
                resident,
            },
        )
}

fn each_once(directives: Vec<String>) -> Vec<String> {
    let mut once: Vec<String> = Vec::new();
    let name = |directive: &str| directive.split('=').next().map(str::to_owned);
    for directive in directives {
        if once.iter().all(|other| name(other) != name(&directive)) {
            once.push(directive);
        }
    }
    once
}

fn at(wall: SystemTime, after: i64) -> String {
    let seconds = i64::try_from(crate::http::date::unix_seconds(wall)).unwrap() + after;
    crate::http::date::format(UNIX_EPOCH + Duration::from_secs(seconds.unsigned_abs()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_same_responses_answer_the_same_requests(case in case()) {
        let wall = UNIX_EPOCH + Duration::from_secs(784_111_777);
        let mut response = Response::new(());
        let mut add = |name: &'static str, value: &str| {
            response.headers_mut().append(name, value.parse().unwrap());
        };
        case.answer.iter().for_each(|directive| add("cache-control", directive));
        if let Some(age) = case.age {
            add("age", &age.to_string());
        }
        if let Some(sent) = case.sent {
            add("date", &at(wall, -(sent as i64)));
        }
        if let Some(expires) = case.expires {
            add("expires", &at(wall, expires as i64));
        }
        if case.tagged {
            add("etag", "\"a\"");
        }
        let request = |directives: &[String]| {
            let mut request = Request::get("http://a.example/").body(()).unwrap();
            if case.authorized {
                request.headers_mut().insert("authorization", "x".parse().unwrap());
            }
            for directive in directives {
                request.headers_mut().append("cache-control", directive.parse().unwrap());
            }
            request
        };

        let mode = if case.shared { Mode::Shared } else { Mode::Private };
        let policy = Policy::new(mode);
        let wants = |directives: &[String]| match policy.plan(&request(directives)) {
            Plan::Lookup(wants) => wants,
            other => panic!("{other:?}"),
        };
        let arrival = Arrival { wall, delay: Duration::ZERO };
        let ours = policy
            .storable(&wants(&[]), StatusCode::OK, response.headers(), arrival)
            .map(|storable| {
                let resident = Duration::from_secs(case.resident);
                storable.terms.reuse(&wants(&case.ask), resident) == Reuse::Fresh
            })
            .unwrap_or_default();

        let options = CacheOptions {
            shared: case.shared,
            cache_heuristic: 0.0,
            immutable_min_time_to_live: Duration::ZERO,
            ..CacheOptions::default()
        };
        let other = CachePolicy::new_options(&request(&[]), &response, wall, options);
        let now = wall + Duration::from_secs(case.resident);
        let theirs = other.is_storable()
            && other.before_request(&request(&case.ask), now).satisfies_without_revalidation();
        prop_assert_eq!(ours, theirs);
    }
}
