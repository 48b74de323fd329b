use http::{Request, Response};
use tower_conformance::ProbeBody;
use tower_ttl_cache::{HttpCacheLayer, store::MemoryStore};

use crate::origin::{Stack, get, minute};

fn stack(store: MemoryStore) -> Stack<impl Fn(u64, &Request<()>) -> Response<ProbeBody> + Clone> {
    Stack::new(&HttpCacheLayer::private(store), minute)
}

#[tokio::test(start_paused = true)]
async fn the_bound_on_entries_is_exact() {
    let mut stack = stack(MemoryStore::new().max_entries(3));
    for uri in ["/a", "/b", "/c"] {
        stack.read(get(uri, &[])).await;
    }
    let stats = stack.handle.stats();
    assert_eq!((stats.entries, stats.evictions), (3, 0));
    stack.read(get("/d", &[])).await;
    let stats = stack.handle.stats();
    assert_eq!((stats.entries, stats.evictions), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn the_bound_on_bytes_is_exact() {
    let mut measured = stack(MemoryStore::new());
    measured.read(get("/a", &[])).await;
    let one = measured.handle.stats().bytes as usize;

    let mut exact = stack(MemoryStore::new().max_bytes(2 * one));
    for uri in ["/a", "/b", "/c"] {
        exact.read(get(uri, &[])).await;
    }
    let stats = exact.handle.stats();
    assert_eq!((stats.entries, stats.bytes), (2, 2 * one as u64));
    assert_eq!((stats.stores, stats.evictions, stats.refused), (3, 1, 0));

    let mut tight = stack(MemoryStore::new().max_bytes(2 * one - 1));
    for uri in ["/a", "/b"] {
        tight.read(get(uri, &[])).await;
    }
    assert_eq!(tight.handle.stats().entries, 1);

    let mut none = stack(MemoryStore::new().max_bytes(one - 1));
    none.read(get("/a", &[])).await;
    let stats = none.handle.stats();
    assert_eq!((stats.entries, stats.stores, stats.refused), (0, 0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_store_of_no_entries_keeps_none() {
    let mut stack = stack(MemoryStore::new().max_entries(0));
    stack.read(get("/a", &[])).await;
    assert!(!stack.read(get("/a", &[])).await.is_hit());
    assert_eq!(stack.handle.stats().refused, 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_read_outlives_what_is_not() {
    let mut stack = stack(MemoryStore::new().max_entries(3));
    for uri in ["/hot", "/cold", "/colder"] {
        stack.read(get(uri, &[])).await;
    }
    for round in 0..20 {
        assert!(stack.read(get("/hot", &[])).await.is_hit(), "{round}");
        stack.read(get(&format!("/once/{round}"), &[])).await;
    }
    assert!(!stack.read(get("/cold", &[])).await.is_hit());
}
