use http::{Request, Response};
use tower_conformance::ProbeBody;
use tower_ttl_cache::{HttpCacheLayer, store::MemoryStore};

use crate::origin::{Stack, get, minute, ok, private};

/// Whether the second request is answered with what was stored for the first.
async fn shares(
    layer: &HttpCacheLayer,
    answer: impl Fn(u64, &Request<()>) -> Response<ProbeBody> + Clone,
    first: Request<()>,
    second: Request<()>,
) -> bool {
    let mut stack = Stack::new(layer, answer);
    let stored = stack.read(first).await;
    let got = stack.read(second).await;
    assert_eq!(got.is_hit(), got.body == stored.body);
    got.is_hit()
}

#[tokio::test(start_paused = true)]
async fn every_part_of_the_uri_belongs_to_the_key() {
    #[rustfmt::skip]
    let table = [
        ("https://a.example/x", "https://a.example/x", true),
        ("https://a.example/x", "https://b.example/x", false),
        ("https://a.example/x", "http://a.example/x", false),
        ("https://a.example/x", "https://a.example/y", false),
        ("https://a.example/x", "https://a.example/X", false),
        ("https://a.example/x", "https://a.example/x?", false),
        ("https://a.example/x?q=1", "https://a.example/x?q=2", false),
        ("https://a.example/x?a&b", "https://a.example/x?b&a", false),
        ("https://a.example/x", "https://a.example:8443/x", false),
        ("https://a.example/x", "https://u:p@a.example/x", false),
        // RFC 9110 section 4.2.3
        ("https://a.example/x", "HTTPS://A.EXAMPLE/x", true),
        ("https://a.example/x", "https://a.example:443/x", true),
        ("http://a.example/x", "http://a.example:80/x", true),
        ("https://a.example/x", "https://a.example:80/x", false),
        ("https://a.example", "https://a.example/", true),
        // Shifted between the parts.
        ("https://a.example/x", "https://a.example/x/", false),
        ("//x", "/x", false),
    ];
    for (first, second, same) in table {
        let shared = shares(&private(), minute, get(first, &[]), get(second, &[])).await;
        assert_eq!(shared, same, "{first} {second}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_host_header_stands_in_for_a_missing_authority() {
    let host = |uri, host| get(uri, &[("host", host)]);
    #[rustfmt::skip]
    let table = [
        (host("/", "a.example"), host("/", "a.example"), true),
        (host("/", "a.example"), host("/", "A.example"), true),
        (host("/", "a.example"), host("/", "b.example"), false),
        (host("/", "a.example"), get("/", &[]), false),
        (host("/", "a.example"), get("/", &[("host", "a.example"), ("host", "b.example")]), false),
        (host("http://a.example/", "a.example"), get("http://a.example/", &[]), true),
        // An inner service may well read the header in place of the URI.
        (host("http://a.example/", "b.example"), get("http://a.example/", &[]), false),
    ];
    for (first, second, same) in table {
        let pair = format!("{first:?} {second:?}");
        let shared = shares(&private(), minute, first, second).await;
        assert_eq!(shared, same, "{pair}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_private_cache_keeps_credentials_apart() {
    let anonymous = || get("/", &[]);
    let alice = || get("/", &[("authorization", "Bearer alice")]);
    let bob = || get("/", &[("authorization", "Bearer bob")]);
    let session = || get("/", &[("cookie", "session=1")]);
    let other_session = || get("/", &[("cookie", "session=2")]);
    // The value of one header under the name of another.
    let disguised = || get("/", &[("cookie", "Bearer alice")]);
    let all = [anonymous, alice, bob, session, other_session, disguised];
    let public = |call, _: &Request<()>| ok(call, &[("cache-control", "public, max-age=60")]);
    for (i, first) in all.iter().enumerate() {
        for (j, second) in all.iter().enumerate() {
            let shared = shares(&private(), public, first(), second()).await;
            assert_eq!(shared, i == j, "{i} {j}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_shared_cache_has_one_entry_for_all_who_may_see_it() {
    let shared = || HttpCacheLayer::shared(MemoryStore::new());
    let anonymous = || get("/", &[]);
    let alice = || get("/", &[("authorization", "Bearer alice")]);
    let bob = || get("/", &[("authorization", "Bearer bob")]);
    let public = |call, _: &Request<()>| ok(call, &[("cache-control", "public, max-age=60")]);

    assert!(shares(&shared(), public, alice(), bob()).await);
    assert!(shares(&shared(), public, alice(), anonymous()).await);
    assert!(shares(&shared(), public, anonymous(), alice()).await);
    // RFC 9111 section 3.5
    assert!(!shares(&shared(), minute, alice(), alice()).await);
    assert!(!shares(&shared(), minute, alice(), anonymous()).await);
    assert!(!shares(&shared(), minute, anonymous(), alice()).await);
    assert!(shares(&shared(), minute, anonymous(), anonymous()).await);
}

#[tokio::test(start_paused = true)]
async fn a_response_with_set_cookie_reaches_only_its_caller() {
    let session = |call, _: &Request<()>| {
        ok(
            call,
            &[("cache-control", "public, max-age=60"), ("set-cookie", "s")],
        )
    };
    for layer in [private(), HttpCacheLayer::shared(MemoryStore::new())] {
        let stale = get("/", &[("cache-control", "max-stale")]);
        assert!(!shares(&layer, session, get("/", &[]), stale).await);
    }
}

/// RFC 9111 section 4.1.
#[tokio::test(start_paused = true)]
async fn a_response_that_varies_answers_requests_with_the_same_values() {
    fn varying(on: &'static str) -> impl Fn(u64, &Request<()>) -> Response<ProbeBody> + Clone {
        move |call, _| ok(call, &[("cache-control", "max-age=60"), ("vary", on)])
    }
    let header = |name, value| get("/", &[(name, value)]);
    #[rustfmt::skip]
    let table = [
        ("accept", header("accept", "a"), header("accept", "a"), true),
        ("Accept", header("accept", "a"), header("accept", "b"), false),
        ("accept", header("accept", "a"), get("/", &[]), false),
        ("accept", header("accept", ""), get("/", &[]), false),
        ("accept", get("/", &[]), get("/", &[]), true),
        ("accept", get("/", &[]), header("x-other", "a"), true),
        ("accept, , x-a", get("/", &[("x-a", "1")]), get("/", &[("accept", "1")]), false),
        ("accept,x-a", get("/", &[("accept", "1"), ("x-a", "2")]), get("/", &[("x-a", "2"), ("accept", "1")]), true),
        ("accept", get("/", &[("accept", "a"), ("accept", "b")]), header("accept", "a, b"), true),
        ("*", get("/", &[]), get("/", &[]), false),
        ("accept, *", get("/", &[]), get("/", &[]), false),
        ("not a name", get("/", &[]), get("/", &[]), false),
    ];
    for (on, first, second, same) in table {
        let pair = format!("{on}: {first:?} {second:?}");
        let shared = shares(&private(), varying(on), first, second).await;
        assert_eq!(shared, same, "{pair}");
    }
}

#[tokio::test(start_paused = true)]
async fn several_variants_are_kept() {
    let mut stack = Stack::new(&private(), |call, _: &Request<()>| {
        ok(
            call,
            &[("cache-control", "max-age=60"), ("vary", "accept-language")],
        )
    });
    let languages = ["en", "de", "fr"];
    for language in languages {
        stack.read(get("/", &[("accept-language", language)])).await;
    }
    for (call, language) in languages.iter().enumerate() {
        let got = stack.read(get("/", &[("accept-language", language)])).await;
        assert!(got.is_hit());
        assert_eq!(got.body, format!("body {call}"));
    }
    // Each, and the list of what they vary on.
    assert_eq!(stack.handle.stats().entries, 4);
    assert_eq!(stack.handle.stats().stores, 3);
}

/// RFC 9111 section 4.1.
#[tokio::test(start_paused = true)]
async fn variants_are_kept_side_by_side_up_to_a_number() {
    let layer = private().max_variants(3);
    let mut stack = Stack::new(&layer, |call, _: &Request<()>| {
        ok(call, &[("cache-control", "max-age=60"), ("vary", "x-v")])
    });
    for value in ["1", "2", "3"] {
        stack.read(get("/", &[("x-v", value)])).await;
    }
    for value in ["1", "2", "3"] {
        assert!(stack.read(get("/", &[("x-v", value)])).await.is_hit());
    }
    stack.read(get("/", &[("x-v", "4")])).await;
    assert!(!stack.read(get("/", &[("x-v", "1")])).await.is_hit());
    assert!(stack.read(get("/", &[("x-v", "4")])).await.is_hit());

    // Ten thousand do not fill the list, nor does zero empty it.
    for value in 0..100 {
        let value = value.to_string();
        stack.read(get("/", &[("x-v", &value)])).await;
        assert!(stack.read(get("/", &[("x-v", &value)])).await.is_hit());
    }
    let mut one = Stack::new(&private().max_variants(0), |call, _: &Request<()>| {
        ok(call, &[("cache-control", "max-age=60"), ("vary", "x-v")])
    });
    one.read(get("/", &[("x-v", "1")])).await;
    assert!(one.read(get("/", &[("x-v", "1")])).await.is_hit());
}

/// RFC 9111 section 4.1: what is written differently and known to mean the same.
#[tokio::test(start_paused = true)]
async fn space_and_case_make_no_difference_where_their_meaning_is_known() {
    #[rustfmt::skip]
    let table = [
        ("accept-language", "en, de;q=0.5", " eN ,DE ; Q=0.5", true),
        ("accept-language", "en, de", "de, en", false),
        ("accept-encoding", "gzip, br", "GZIP,br", true),
        ("accept", "a/b, c/d", "a/b,c/d", true),
        ("accept", "a/b;v=A", "a/b;v=a", false),
        ("accept", "a/b;v=\"A B\"", "a/b;v=\"AB\"", false),
        ("x-v", "a, b", "a,b", false),
    ];
    for (name, one, other, same) in table {
        let vary = move |call, _: &Request<()>| {
            ok(call, &[("cache-control", "max-age=60"), ("vary", name)])
        };
        let (first, second) = (get("/", &[(name, one)]), get("/", &[(name, other)]));
        let shared = shares(&private(), vary, first, second).await;
        assert_eq!(shared, same, "{name}: {one} {other}");
    }
    let layer =
        private().vary_normalize(|name, value| (name == "x-v").then(|| value.replace(' ', "")));
    let vary =
        |call, _: &Request<()>| ok(call, &[("cache-control", "max-age=60"), ("vary", "x-v")]);
    let spaced = |value| get("/", &[("x-v", value)]);
    assert!(shares(&layer, vary, spaced("a, b"), spaced("a,b")).await);
}
