//! The store on a real server.

mod server;

use std::time::Duration;

use http::{HeaderName, Method, Request, Response, Uri};
use http_body_util::BodyExt;
use tokio::time::{Instant, sleep};
use tower_conformance::ProbeBody;
use tower_ttl_cache::{CacheOutcome, HttpCacheLayer, store::RedisStore};

use self::server::{Server, prefix, shared};
use crate::origin::{Got, Stack, get, minute, ok};

/// Long enough for a busy machine.
const PATIENT: Duration = Duration::from_secs(5);

fn layer(prefix: &str) -> HttpCacheLayer<RedisStore> {
    let store = RedisStore::new(shared(), prefix).deadline(PATIENT);
    HttpCacheLayer::private(store).secret(b"secret")
}

/// Reads until the response has arrived at the server.
async fn stored<A>(stack: &mut Stack<A, RedisStore>, request: impl Fn() -> Request<()>) -> Got
where
    A: Fn(u64, &Request<()>) -> Response<ProbeBody> + Clone,
{
    stack.read(request()).await;
    sleep(Duration::from_millis(50)).await;
    let got = stack.read(request()).await;
    assert!(got.is_hit(), "{got:?}");
    got
}

#[tokio::test]
#[ignore = "needs REDIS_URL"]
async fn caches_with_one_prefix_and_secret_share_what_they_store() {
    let prefix = prefix();
    let vary = |call: u64, _: &Request<()>| {
        ok(
            call,
            &[
                ("cache-control", "max-age=60"),
                ("vary", "accept"),
                ("x-a", "1"),
                ("x-a", "2"),
            ],
        )
    };
    let mut one = Stack::new(&layer(&prefix), vary);
    let mut other = Stack::new(&layer(&prefix), vary);
    let alice = || get("/", &[("authorization", "alice"), ("accept", "a/b")]);
    stored(&mut one, alice).await;
    let got = other.read(alice()).await;
    assert!(got.is_hit());
    assert_eq!(got.headers.get_all("x-a").iter().count(), 2);
    assert_eq!((other.calls(), &got.body[..]), (0, &b"body 0"[..]));
    // Other callers, variants, prefixes and secrets are others.
    assert!(
        !other
            .read(get("/", &[("authorization", "bob"), ("accept", "a/b")]))
            .await
            .is_hit()
    );
    assert!(
        !other
            .read(get("/", &[("authorization", "alice")]))
            .await
            .is_hit()
    );
    let strange = layer(&prefix).secret(b"another");
    assert!(!Stack::new(&strange, vary).read(alice()).await.is_hit());
    let elsewhere = layer(&server::prefix());
    assert!(!Stack::new(&elsewhere, vary).read(alice()).await.is_hit());
}

#[tokio::test]
#[ignore = "needs REDIS_URL"]
async fn an_invalidation_reaches_every_process() {
    let prefix = prefix();
    let tags =
        |call: u64, _: &Request<()>| ok(call, &[("cache-control", "max-age=60"), ("tags", "a b")]);
    let tagged = || layer(&prefix).tag_header(HeaderName::from_static("tags"));
    let mut one = Stack::new(&tagged(), tags);
    let mut other = Stack::new(&tagged(), tags);
    let uri = "https://a.example/x[*]?y";
    let request = || get(uri, &[]);
    let uri = Uri::from_static(uri);
    let beside = || get("https://a.example/x0?y", &[]);
    for round in 0..5 {
        stored(&mut one, request).await;
        stored(&mut one, beside).await;
        assert!(other.read(request()).await.is_hit());
        match round {
            0 => one.handle.invalidate(&uri).await.unwrap(),
            1 => {
                let prefix = Uri::from_static("https://a.example/x[");
                one.handle.invalidate_prefix(&prefix).await.unwrap();
            }
            2 => one.handle.invalidate_tag("b").await.unwrap(),
            3 => one.handle.clear().await.unwrap(),
            _ => {
                let mut delete = request();
                *delete.method_mut() = Method::DELETE;
                one.read(delete).await;
            }
        }
        // Tags and everything take what is beside along.
        let kept = matches!(round, 0 | 1 | 4);
        assert_eq!(other.read(beside()).await.is_hit(), kept, "{round}");
        assert!(!other.read(request()).await.is_hit(), "{round}");
    }
}

#[tokio::test]
#[ignore = "needs REDIS_URL"]
async fn a_response_that_left_before_an_invalidation_is_not_stored_after_it() {
    let prefix = prefix();
    let mut one = Stack::new(&layer(&prefix), minute);
    let other = layer(&prefix).handle();
    let uri = Uri::from_static("https://a.example/x");
    for round in 0..4 {
        let under_way = one.send(get("https://a.example/x", &[])).await;
        match round {
            0 => other.invalidate(&uri).await.unwrap(),
            1 => other.invalidate_prefix(&uri).await.unwrap(),
            2 => other.invalidate_tag("x").await.unwrap(),
            _ => other.clear().await.unwrap(),
        }
        under_way.into_body().collect().await.unwrap();
        sleep(Duration::from_millis(100)).await;
        let got = one.read(get("https://a.example/x", &[])).await;
        assert_eq!(got.outcome, CacheOutcome::Miss, "{round}");
        other.clear().await.unwrap();
    }
}

#[tokio::test]
#[ignore = "needs REDIS_URL"]
async fn a_response_answers_while_it_is_written() {
    let mut stack = Stack::new(&layer(&prefix()), minute);
    for round in 0..50 {
        let uri = format!("/{round}");
        stack.read(get(&uri, &[])).await;
        assert!(stack.read(get(&uri, &[])).await.is_hit());
    }
}

#[tokio::test]
#[ignore = "needs REDIS_URL"]
async fn an_entry_of_another_version_is_a_miss() {
    let prefix = prefix();
    let mut stack = Stack::new(&layer(&prefix), minute);
    stored(&mut stack, || get("/", &[])).await;
    let mut connection = shared().get_multiplexed_async_connection().await.unwrap();
    let mut keys = redis::cmd("KEYS");
    let keys: Vec<Vec<u8>> = keys
        .arg(format!("{prefix}:entry:*"))
        .query_async(&mut connection)
        .await
        .unwrap();
    assert_eq!(keys.len(), 1);
    let mut version = redis::cmd("SETRANGE");
    version.arg(&keys[0]).arg(15).arg("\u{7f}");
    version.query_async::<()>(&mut connection).await.unwrap();
    assert!(!stack.read(get("/", &[])).await.is_hit());
    assert_eq!(stack.handle.stats().store_errors, 0);
    let mut ttl = redis::cmd("PTTL");
    let left: i64 = ttl
        .arg(&keys[0])
        .query_async(&mut connection)
        .await
        .unwrap();
    assert!((1..=60_000).contains(&left), "{left}");
}

#[tokio::test]
#[ignore = "needs REDIS_URL"]
async fn a_server_that_is_killed_under_load_costs_hits_and_no_answers() {
    let mut server = Server::start().await;
    let store = RedisStore::new(server.client(), "load").deadline(PATIENT);
    let layer = HttpCacheLayer::private(store);
    let mut stack = Stack::new(&layer, minute);
    stored(&mut stack, || get("/", &[])).await;
    let mut outcomes = [0, 0, 0];
    for round in 0..300 {
        if round == 100 {
            server.kill();
        }
        if round == 200 {
            server.restart().await;
            // After a second it is tried again.
            sleep(Duration::from_millis(1_100)).await;
            stack.read(get("/", &[])).await;
            sleep(Duration::from_millis(100)).await;
        }
        let got = stack.read(get("/", &[])).await;
        assert!(got.body.starts_with(b"body"));
        outcomes[round / 100] += u64::from(got.is_hit());
    }
    assert_eq!(outcomes[..2], [100, 0]);
    assert!(outcomes[2] >= 98, "{outcomes:?}");
    assert!(stack.handle.stats().store_errors >= 100);
}

#[tokio::test]
#[ignore = "needs REDIS_URL"]
async fn a_frozen_server_costs_one_deadline_a_second() {
    let server = Server::start().await;
    let deadline = Duration::from_millis(100);
    let store = RedisStore::new(server.client(), "frozen").deadline(deadline);
    let mut stack = Stack::new(&HttpCacheLayer::private(store), minute);
    for _ in 0..50 {
        stack.read(get("/", &[])).await;
        sleep(Duration::from_millis(50)).await;
        if stack.read(get("/", &[])).await.is_hit() {
            break;
        }
    }
    server.signal("-STOP");
    let begin = Instant::now();
    stack.read(get("/", &[])).await;
    assert!(begin.elapsed() >= deadline);
    let begin = Instant::now();
    for _ in 0..200 {
        assert!(!stack.read(get("/", &[])).await.is_hit());
    }
    assert!(begin.elapsed() < 20 * deadline);
    server.signal("-CONT");
    assert!(stack.handle.clear().await.is_err());
}

#[tokio::test]
#[ignore = "needs REDIS_URL"]
async fn equal_misses_are_one_call() {
    let mut stack = Stack::new(&layer(&prefix()), minute);
    let first = stack.send(get("/", &[])).await;
    let herd: Vec<_> = (0..100)
        .map(|_| {
            let mut service = stack.service.clone();
            tokio::spawn(async move {
                let response = crate::origin::call(&mut service, get("/", &[]))
                    .await
                    .unwrap();
                response.into_body().collect().await.unwrap().to_bytes()
            })
        })
        .collect();
    sleep(Duration::from_millis(200)).await;
    first.into_body().collect().await.unwrap();
    for one in herd {
        assert_eq!(one.await.unwrap(), "body 0");
    }
    assert_eq!(stack.calls(), 1);
}
