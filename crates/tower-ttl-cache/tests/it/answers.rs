use std::time::Duration;

use http::{Request, StatusCode};
use http_body_util::BodyExt;
use tokio::time::advance;
use tokio_test::{assert_pending, assert_ready};
use tower::{Layer, Service, ServiceExt};
use tower_conformance::{Probe, Readiness};
use tower_ttl_cache::{BypassReason, CacheOutcome, CacheOverride};

use crate::origin::{Stack, call, get, minute, ok, private};

#[tokio::test(start_paused = true)]
async fn a_stored_response_answers_until_its_age_reaches_its_lifetime() {
    let mut stack = Stack::new(&private(), minute);
    assert_eq!(stack.read(get("/", &[])).await.outcome, CacheOutcome::Miss);

    advance(Duration::from_millis(59_999)).await;
    let hit = stack.read(get("/", &[])).await;
    assert!(hit.is_hit());
    assert_eq!((hit.age(), &hit.body[..]), ("59", &b"body 0"[..]));

    advance(Duration::from_millis(1)).await;
    let miss = stack.read(get("/", &[])).await;
    assert_eq!(miss.outcome, CacheOutcome::Miss);
    assert_eq!(&miss.body[..], b"body 1");

    let hit = stack.read(get("/", &[])).await;
    assert_eq!((hit.age(), &hit.body[..]), ("0", &b"body 1"[..]));
}

#[tokio::test(start_paused = true)]
async fn an_answer_has_the_headers_of_the_original_but_not_of_its_connection() {
    let mut stack = Stack::new(&private(), |call, _: &Request<()>| {
        ok(
            call,
            &[
                ("cache-control", "max-age=60"),
                ("content-type", "text/plain"),
                ("x-twice", "a"),
                ("x-twice", "b"),
                ("age", "7"),
                ("connection", "keep-alive, X-Hop"),
                ("keep-alive", "timeout=5"),
                ("x-hop", "1"),
                ("proxy-authenticate", "Basic"),
                ("transfer-encoding", "chunked"),
            ],
        )
    });
    stack.read(get("/", &[])).await;
    advance(Duration::from_secs(3)).await;
    let hit = stack.read(get("/", &[])).await;
    assert!(hit.is_hit());
    assert_eq!(hit.age(), "10");
    assert_eq!(hit.headers.get_all("x-twice").iter().count(), 2);
    let mut names: Vec<_> = hit.headers.keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    // RFC 9110 section 6.6.1 asks for the date.
    let due = ["age", "cache-control", "content-type", "date", "x-twice"];
    assert_eq!(names, due);
}

#[tokio::test(start_paused = true)]
async fn a_response_without_a_lifetime_is_stored_only_by_a_default() {
    let bare = |call, _: &Request<()>| ok(call, &[]);
    let mut stack = Stack::new(&private(), bare);
    stack.read(get("/", &[])).await;
    assert!(!stack.read(get("/", &[])).await.is_hit());

    let mut stack = Stack::new(&private().default_ttl(Duration::from_secs(300)), bare);
    stack.read(get("/", &[])).await;
    advance(Duration::from_millis(299_999)).await;
    assert!(stack.read(get("/", &[])).await.is_hit());
    advance(Duration::from_millis(1)).await;
    assert!(!stack.read(get("/", &[])).await.is_hit());
}

#[tokio::test(start_paused = true)]
async fn a_request_can_override_the_layer() {
    let layer = private().default_ttl(Duration::from_secs(300));
    let mut stack = Stack::new(&layer, |call, _: &Request<()>| ok(call, &[]));
    let with = |wish: CacheOverride| {
        let mut request = get("/", &[]);
        request.extensions_mut().insert(wish);
        request
    };

    let short = CacheOverride::default_ttl(Duration::from_secs(5));
    stack.read(with(short)).await;
    assert!(stack.read(get("/", &[])).await.is_hit());
    let bypassed = stack.read(with(CacheOverride::bypass())).await;
    let outcome = CacheOutcome::Bypass(BypassReason::Override);
    assert_eq!(bypassed.outcome, outcome);
    assert_eq!(&bypassed.body[..], b"body 1");
    assert_eq!(&stack.read(get("/", &[])).await.body[..], b"body 0");

    advance(Duration::from_secs(5)).await;
    assert!(!stack.read(get("/", &[])).await.is_hit());
}

#[tokio::test(start_paused = true)]
async fn a_forced_miss_replaces_what_is_stored() {
    let mut stack = Stack::new(&private(), minute);
    stack.read(get("/", &[])).await;
    let reload = get("/", &[("cache-control", "no-cache")]);
    assert_eq!(stack.read(reload).await.outcome, CacheOutcome::Miss);
    assert_eq!(&stack.read(get("/", &[])).await.body[..], b"body 1");
    assert_eq!(stack.handle.stats().entries, 1);
}

#[tokio::test(start_paused = true)]
async fn a_bypassing_request_neither_reads_nor_writes() {
    let mut stack = Stack::new(&private(), minute);
    let partial = || get("/", &[("range", "bytes=0-3, 5-6")]);
    let outcome = CacheOutcome::Bypass(BypassReason::Range);
    assert_eq!(stack.read(partial()).await.outcome, outcome);
    assert_eq!(stack.handle.stats().stores, 0);
    stack.read(get("/", &[])).await;
    assert_eq!(stack.read(partial()).await.outcome, outcome);
    assert_eq!(stack.calls(), 3);
}

/// RFC 9111 section 3.
#[tokio::test(start_paused = true)]
async fn any_final_status_is_stored_with_a_lifetime() {
    for status in [204, 299, 302, 404, 500, 599] {
        let status = StatusCode::from_u16(status).unwrap();
        let mut stack = Stack::new(&private(), move |call, request: &Request<()>| {
            let mut response = minute(call, request);
            *response.status_mut() = status;
            response
        });
        stack.read(get("/", &[])).await;
        let got = stack.read(get("/", &[])).await;
        assert_eq!((got.outcome, got.status), (CacheOutcome::Hit, status));
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_warmed_is_there_for_those_who_come() {
    let mut stack = Stack::new(&private(), minute);
    let warmed = stack.service.warm(get("/", &[])).await.unwrap();
    assert_eq!(warmed, CacheOutcome::Miss);
    assert_eq!(stack.read(get("/", &[])).await.body, "body 0");
    let anew = get("/", &[("cache-control", "no-cache")]);
    assert_eq!(stack.service.warm(anew).await.unwrap(), CacheOutcome::Miss);
    assert_eq!(stack.read(get("/", &[])).await.body, "body 1");
    assert_eq!(stack.calls(), 2);
}

/// RFC 9111 section 5.2.1.7.
#[tokio::test(start_paused = true)]
async fn a_request_for_what_is_cached_alone_never_reaches_the_inner_service() {
    let mut stack = Stack::new(&private(), minute);
    let cached = || get("/", &[("cache-control", "only-if-cached")]);
    let got = stack.read(cached()).await;
    assert_eq!(
        (got.outcome, got.status.as_u16()),
        (CacheOutcome::Unavailable, 504)
    );
    assert_eq!((stack.calls(), stack.handle.stats().misses), (0, 1));
    stack.read(get("/", &[])).await;
    assert!(stack.read(cached()).await.is_hit());
}

/// RFC 9111 sections 5.2.2.4 and 5.2.2.7.
#[tokio::test(start_paused = true)]
async fn fields_named_by_a_directive_are_not_stored() {
    let mut stack = Stack::new(&private(), |call, _: &Request<()>| {
        let directives = "max-age=60, no-cache=\"x-a, X-B\", private=\"x-c\"";
        let names = [("x-a", "1"), ("x-b", "2"), ("x-c", "3"), ("x-d", "4")];
        ok(
            call,
            &[&[("cache-control", directives)][..], &names].concat(),
        )
    });
    let miss = stack.read(get("/", &[])).await;
    assert!(miss.headers.contains_key("x-a"));
    let hit = stack.read(get("/", &[])).await;
    let left: Vec<_> = ["x-a", "x-b", "x-c", "x-d"]
        .into_iter()
        .filter(|name| hit.headers.contains_key(*name))
        .collect();
    assert_eq!(left, ["x-c", "x-d"]);
}

/// RFC 9211.
#[tokio::test(start_paused = true)]
async fn the_response_tells_what_the_cache_did_if_it_is_to() {
    let mut stack = Stack::new(&private().cache_status("here"), |call, _: &Request<()>| {
        ok(
            call,
            &[
                ("cache-control", "max-age=60"),
                ("cache-status", "there; hit"),
            ],
        )
    });
    let told = |got: crate::origin::Got| {
        let lines = got.headers.get_all("cache-status").iter();
        lines
            .map(|line| line.to_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        told(stack.read(get("/", &[])).await),
        ["there; hit", "here; fwd=uri-miss; fwd-status=200; stored"]
    );
    assert_eq!(
        told(stack.read(get("/", &[])).await),
        ["there; hit", "here; hit"]
    );
    let reload = get("/", &[("cache-control", "no-cache")]);
    assert_eq!(
        told(stack.read(reload).await)[1],
        "here; fwd=request; fwd-status=200; stored"
    );
    let past = get("/", &[("cache-control", "no-store")]);
    assert_eq!(
        told(stack.read(past).await)[1],
        "here; fwd=bypass; fwd-status=200"
    );
}

#[tokio::test(start_paused = true)]
async fn a_hit_needs_no_readiness_of_the_inner_service() {
    let (probe, inner) = Probe::new(|| minute(0, &get("/", &[])));
    let mut service = private().layer(probe);
    let response = call(&mut service, get("/", &[])).await.unwrap();
    response.into_body().collect().await.unwrap();

    inner.set_readiness(Readiness::Held);
    let hit = call(&mut service, get("/", &[])).await.unwrap();
    assert_eq!(hit.extensions().get(), Some(&CacheOutcome::Hit));
    assert_eq!(inner.ledger().calls, 1);

    let mut miss = tokio_test::task::spawn(call(&mut service, get("/unseen", &[])));
    assert_pending!(miss.poll());
    inner.set_readiness(Readiness::Ready);
    assert!(miss.is_woken());
    assert_ready!(miss.poll()).unwrap();
}

#[tokio::test(start_paused = true)]
async fn clones_of_a_layer_share_store_and_statistics() {
    let layer = private();
    let mut one = Stack::new(&layer, minute);
    let mut other = Stack::new(&layer.clone(), minute);
    one.read(get("/", &[])).await;
    assert!(other.read(get("/", &[])).await.is_hit());

    one.read(get("/", &[("range", "lines=0-0")])).await;
    let stats = other.handle.stats();
    assert_eq!((stats.hits, stats.misses, stats.bypassed), (1, 1, 1));
    assert_eq!(stats.bypassed_for.range, 1);
    let line = "1 hits, 0 stale, 0 revalidated, 0 coalesced, 1 misses (50.0 % hits), 1 bypassed";
    assert!(stats.to_string().starts_with(line), "{stats}");
    assert_eq!((stats.stores, stats.entries, stats.evictions), (1, 1, 0));
    assert!((stats.hit_ratio() - 0.5).abs() < f64::EPSILON);
}

#[tokio::test(start_paused = true)]
async fn secrets_do_not_show_in_debug_output() {
    let layer = private();
    let mut stack = Stack::new(&layer, |call, _: &Request<()>| {
        ok(
            call,
            &[("cache-control", "max-age=60"), ("vary", "x-api-key")],
        )
    });
    let request = get(
        "https://hunter:hunter@example.com/?token=hunter",
        &[("authorization", "hunter"), ("x-api-key", "hunter")],
    );
    let future = stack.service.ready().await.unwrap().call(request);
    let during = format!("{future:?}");
    let response = future.await.unwrap();
    let body = format!("{:?}", response.body());
    response.into_body().collect().await.unwrap();
    assert_eq!(layer.handle().stats().stores, 1);
    let kept = format!("{layer:?} {:?}", layer.handle());
    for text in [during, body, kept] {
        assert!(!text.contains("hunter"), "{text}");
    }
}
