//! A store behind a network: slow, and away at times.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use http::{Method, Request};
use http_body_util::BodyExt;
use tokio::time::{Instant, sleep};
use tower_ttl_cache::{
    HttpCacheLayer,
    store::{Entry, Key, Lookup, MemoryStore, Resource, Store, Usage},
};

use crate::origin::{Stack, get, ok};

const LATENCY: Duration = Duration::from_millis(10);

struct Remote {
    kept: MemoryStore,
    away: Arc<AtomicBool>,
}

#[derive(Debug)]
struct Away;

impl fmt::Display for Away {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the store is away")
    }
}

impl std::error::Error for Away {}

type Later<T> = Pin<Box<dyn Future<Output = Result<T, Away>> + Send>>;

impl Remote {
    fn later<T: Send + 'static>(
        &self,
        done: impl Future<Output = Result<T, std::convert::Infallible>> + Send + 'static,
    ) -> Later<T> {
        let away = self.away.load(Ordering::Relaxed);
        Box::pin(async move {
            sleep(LATENCY).await;
            if away {
                return Err(Away);
            }
            done.await.map_err(|never| match never {})
        })
    }
}

impl Store for Remote {
    type Error = Away;
    type Get = Later<Lookup>;
    type Done = Later<()>;

    fn get(&self, key: &Key) -> Later<Lookup> {
        self.later(self.kept.get(key))
    }

    fn put(&self, key: Key, entry: Entry, epoch: u64) -> bool {
        self.kept.put(key, entry, epoch)
    }

    fn invalidate(&self, resource: &Resource) -> Later<()> {
        self.later(self.kept.invalidate(resource))
    }

    fn invalidate_prefix(&self, prefix: &Resource) -> Later<()> {
        self.later(self.kept.invalidate_prefix(prefix))
    }

    fn invalidate_tag(&self, tag: &str) -> Later<()> {
        self.later(self.kept.invalidate_tag(tag))
    }

    fn clear(&self) -> Later<()> {
        self.later(self.kept.clear())
    }

    fn usage(&self) -> Usage {
        self.kept.usage()
    }
}

fn remote() -> (HttpCacheLayer<Remote>, Arc<AtomicBool>) {
    let away = Arc::new(AtomicBool::new(false));
    let layer = HttpCacheLayer::private(Remote {
        kept: MemoryStore::new(),
        away: Arc::clone(&away),
    });
    (layer, away)
}

#[tokio::test(start_paused = true)]
async fn a_store_may_take_its_time() {
    let (layer, _) = remote();
    let mut stack = Stack::new(&layer, |call, _: &Request<()>| {
        ok(call, &[("cache-control", "max-age=60"), ("vary", "accept")])
    });
    stack.read(get("/", &[])).await;
    let asked = Instant::now();
    assert!(stack.read(get("/", &[])).await.is_hit());
    // The list of headers, then the variant.
    assert_eq!(asked.elapsed(), 2 * LATENCY);

    // The answer waits for the invalidation: whoever has it must not see the old response.
    let mut delete = get("/", &[]);
    *delete.method_mut() = Method::DELETE;
    let asked = Instant::now();
    stack.read(delete).await;
    assert_eq!(asked.elapsed(), LATENCY);
    assert!(!stack.read(get("/", &[])).await.is_hit());
}

#[tokio::test(start_paused = true)]
async fn requests_go_on_without_a_store_that_is_away() {
    let (layer, away) = remote();
    let mut stack = Stack::new(&layer, |call, _: &Request<()>| {
        ok(call, &[("cache-control", "max-age=60")])
    });
    stack.read(get("/", &[])).await;
    away.store(true, Ordering::Relaxed);
    assert_eq!(stack.read(get("/", &[])).await.body, "body 1");
    let mut delete = get("/", &[]);
    *delete.method_mut() = Method::DELETE;
    assert_eq!(stack.read(delete).await.body, "body 2");
    assert!(stack.handle.clear().await.is_err());
    let stats = stack.handle.stats();
    assert_eq!((stats.store_errors, stats.stores), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn a_lookup_that_is_dropped_leaves_nothing_behind() {
    let (layer, _) = remote();
    let mut stack = Stack::new(&layer, |call, _: &Request<()>| {
        ok(call, &[("cache-control", "max-age=60")])
    });
    let impatient = tokio::time::timeout(LATENCY / 2, stack.send(get("/", &[]))).await;
    assert!(impatient.is_err());
    assert_eq!(stack.calls(), 0);
    let response = stack.send(get("/", &[])).await;
    assert_eq!(
        response.into_body().collect().await.unwrap().to_bytes(),
        "body 0"
    );
}
