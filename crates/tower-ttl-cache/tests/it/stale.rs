//! RFC 5861: answers past their lifetime.

use std::{convert::Infallible, time::Duration};

use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use tokio::time::{advance, sleep};
use tower::{Layer, service_fn};
use tower_conformance::ProbeBody;
use tower_ttl_cache::{CacheOutcome, HttpCacheLayer, StaleReason, TokioSpawn, store::MemoryStore};

use crate::origin::{Stack, call, get, ok, private};

const WINDOW: &str = "max-age=60, stale-while-revalidate=30";

#[derive(Debug, PartialEq)]
struct Down;

fn status(status: u16) -> Response<ProbeBody> {
    let mut response = ok(9, &[]);
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
}

/// Section 3.
#[tokio::test(start_paused = true)]
async fn a_stale_response_answers_at_once_and_is_renewed_meanwhile() {
    let layer = private().spawn(TokioSpawn);
    let calls = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    let counted = calls.clone();
    let mut service = layer.layer(service_fn(move |_: Request<()>| {
        let before = counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        async move {
            sleep(Duration::from_secs(1)).await;
            Ok::<_, Infallible>(ok(before, &[("cache-control", WINDOW)]))
        }
    }));
    let mut ask = async || {
        let response = call(&mut service, get("/", &[])).await.unwrap();
        let outcome = *response.extensions().get::<CacheOutcome>().unwrap();
        (
            outcome,
            response.into_body().collect().await.unwrap().to_bytes(),
        )
    };
    let stale = CacheOutcome::Stale(StaleReason::WhileRevalidate);
    assert_eq!(ask().await, (CacheOutcome::Miss, "body 0".into()));
    sleep(Duration::from_secs(60)).await;
    // Once for all of them.
    for _ in 0..3 {
        assert_eq!(ask().await, (stale, "body 0".into()));
        tokio::task::yield_now().await;
    }
    sleep(Duration::from_secs(2)).await;
    assert_eq!(ask().await, (CacheOutcome::Hit, "body 1".into()));
    // Past the window nothing answers by itself.
    sleep(Duration::from_secs(90)).await;
    assert_eq!(ask().await, (CacheOutcome::Miss, "body 2".into()));
    assert_eq!(calls.load(std::sync::atomic::Ordering::Relaxed), 3);
    // Renewals are nobody's requests.
    let stats = layer.handle().stats();
    assert_eq!((stats.stale, stats.hits, stats.misses), (3, 1, 2));
}

/// The renewal asks for the whole, whatever its client wanted.
#[tokio::test(start_paused = true)]
async fn a_renewal_is_for_everybody() {
    let layer = private().spawn(TokioSpawn);
    let mut service = layer.layer(service_fn(|request: Request<()>| async move {
        assert!(!request.headers().contains_key("range"));
        assert_eq!(request.method(), http::Method::GET);
        let confirmed = request
            .headers()
            .get("if-none-match")
            .is_some_and(|tag| tag == "\"a\"");
        let mut response = ok(0, &[("cache-control", WINDOW), ("etag", "\"a\"")]);
        if confirmed {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            *response.body_mut() = ProbeBody::new();
        }
        Ok::<_, Infallible>(response)
    }));
    let wanting: [(&str, &str); 3] = [
        ("range", "bytes=0-1"),
        ("if-none-match", "\"b\""),
        ("x", "head"),
    ];
    for (name, value) in wanting {
        layer.handle().clear().await.unwrap();
        let first = call(&mut service, get("/", &[])).await.unwrap();
        first.into_body().collect().await.unwrap();
        advance(Duration::from_secs(61)).await;
        let mut request = get("/", &[(name, value)]);
        if value == "head" {
            *request.method_mut() = http::Method::HEAD;
        }
        let stale = call(&mut service, request).await.unwrap();
        let outcome = CacheOutcome::Stale(StaleReason::WhileRevalidate);
        assert_eq!(stale.extensions().get(), Some(&outcome));
        tokio::task::yield_now().await;
        let hit = call(&mut service, get("/", &[])).await.unwrap();
        assert_eq!(hit.extensions().get(), Some(&CacheOutcome::Hit), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_anybody_to_renew_it_a_stale_response_is_validated_first() {
    let mut stack = Stack::new(&private(), |call, _: &Request<()>| {
        ok(call, &[("cache-control", WINDOW)])
    });
    stack.read(get("/", &[])).await;
    advance(Duration::from_secs(60)).await;
    assert_eq!(stack.read(get("/", &[])).await.outcome, CacheOutcome::Miss);
}

/// Section 4, and what goes before it (RFC 9111 section 4.2.4).
#[tokio::test(start_paused = true)]
async fn a_stale_response_answers_for_a_service_that_fails() {
    #[rustfmt::skip]
    let table = [
        ("max-age=60, stale-if-error=30", 500, true),
        ("max-age=60, stale-if-error=30", 502, true),
        ("max-age=60, stale-if-error=30", 503, true),
        ("max-age=60, stale-if-error=30", 504, true),
        ("max-age=60, stale-if-error=30", 501, false),
        ("max-age=60, stale-if-error=30", 404, false),
        ("max-age=60, stale-if-error=30, must-revalidate", 503, false),
        ("max-age=60", 503, false),
    ];
    for (directives, failure, answers) in table {
        let mut stack = Stack::new(&private(), move |call, _: &Request<()>| match call {
            0 => ok(0, &[("cache-control", directives)]),
            _ => status(failure),
        });
        stack.read(get("/", &[])).await;
        advance(Duration::from_secs(89)).await;
        let got = stack.read(get("/", &[])).await;
        let stale = got.outcome == CacheOutcome::Stale(StaleReason::IfError);
        assert_eq!(stale, answers, "{directives} {failure}");
        assert_eq!(got.status.as_u16(), if stale { 200 } else { failure });
        if stale {
            assert_eq!((got.age(), &got.body[..]), ("89", &b"body 0"[..]));
            // What the client insists on goes before.
            let insisting = get("/", &[("cache-control", "no-cache")]);
            assert_eq!(stack.read(insisting).await.status.as_u16(), failure);
            advance(Duration::from_secs(1)).await;
            assert_eq!(stack.read(get("/", &[])).await.status.as_u16(), failure);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_stale_response_answers_in_place_of_an_error() {
    let layer = HttpCacheLayer::private(MemoryStore::new()).stale_if_error(Duration::from_secs(30));
    let down = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let is_down = down.clone();
    let mut service = layer.layer(service_fn(move |_: Request<()>| {
        let down = is_down.load(std::sync::atomic::Ordering::Relaxed);
        async move {
            if down {
                Err(Down)
            } else {
                Ok(ok(0, &[("cache-control", "max-age=60")]))
            }
        }
    }));
    let first = call(&mut service, get("/", &[])).await.unwrap();
    first.into_body().collect().await.unwrap();
    down.store(true, std::sync::atomic::Ordering::Relaxed);
    advance(Duration::from_secs(60)).await;
    let stale = call(&mut service, get("/", &[])).await.unwrap();
    let outcome = CacheOutcome::Stale(StaleReason::IfError);
    assert_eq!(stale.extensions().get(), Some(&outcome));
    advance(Duration::from_secs(30)).await;
    assert_eq!(call(&mut service, get("/", &[])).await.unwrap_err(), Down);
}
