//! No header makes the policy panic, or a response outlive what any header may give it.

use proptest::prelude::*;

use super::*;
use crate::http::{conditional, range, vary};

/// Bytes that the grammars give a meaning, and any others that a header may hold.
fn value() -> impl Strategy<Value = HeaderValue> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "max-age",
            "=",
            "60",
            ",",
            "\"",
            "\\",
            ";",
            " ",
            "no-cache",
            "bytes",
            "-",
            "0",
            "W/",
            "*",
            "99999999999999999999",
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 ",
            "Sun Nov  6 08:49:37 1994",
            ":",
            "?",
            "(",
            ")",
            "@",
            ".",
            "\t",
            "must-understand",
            "stale-if-error",
            "private",
            "s-maxage",
            "max-stale",
            "accept",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
        prop::collection::vec(prop_oneof![0x20..0x7f_u8, 0x80..=0xff_u8], 0..4),
    ];
    prop::collection::vec(piece, 0..8)
        .prop_map(|pieces| HeaderValue::from_bytes(&pieces.concat()).unwrap())
}

fn lines(names: &'static [&'static str]) -> impl Strategy<Value = HeaderMap> {
    let line = (prop::sample::select(names), value())
        .prop_map(|(name, value)| (HeaderName::from_static(name), value));
    prop::collection::vec(line, 0..6).prop_map(|lines| lines.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_header_makes_the_policy_panic(
        shared in any::<bool>(),
        ask in lines(&["cache-control", "range", "if-range", "if-none-match", "if-modified-since", "pragma"]),
        answer in lines(&["cache-control", "cdn-cache-control", "age", "expires", "date", "last-modified", "etag", "vary"]),
        resident in any::<u32>(),
    ) {
        let mut policy = Policy::new(if shared { Mode::Shared } else { Mode::Private });
        policy.targeted = vec![HeaderName::from_static("cdn-cache-control")];
        policy.heuristic = Some(Duration::from_secs(86_400));
        let mut request = Request::new(());
        *request.headers_mut() = ask.clone();
        let _ = vary::names(&answer);
        let _ = conditional::is_not_modified(&ask, &answer);
        let _ = range::is_of_same(&ask, &answer);
        if let Some(range) = range::of_request(&ask) {
            for length in [0, 1, 100] {
                if let Some((start, end)) = range.within(length) {
                    prop_assert!(start < end && end <= length);
                }
            }
        }
        let plain = wants(&policy, &[]);
        let stored = policy.storable(&plain, StatusCode::OK, &answer, arrival(0));
        if let (Some(stored), Plan::Lookup(wants)) = (stored, policy.plan(&request)) {
            let resident = Duration::from_secs(resident.into());
            let _ = stored.terms.reuse(&wants, resident);
            let _ = stored.terms.on_error(&wants, resident);
            // Section 1.2.2, and the end of the year 9999.
            prop_assert!(stored.terms.fresh_for <= Duration::from_secs(1 << 38));
        }
    }
}
