use std::{
    future::{Ready, ready},
    io,
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::time::advance;
use tower_access_control::{
    ApiKeys, AuthenticateLayer, CacheHandle, Cached, KeyId, KeyStore, MemoryKeyStore, StoredKey,
};

use crate::script::{Wall, at, bearer, key, outcome, prefix, store};

const MINUTE: Duration = Duration::from_secs(60);

#[derive(Clone)]
struct Counting {
    store: MemoryKeyStore<&'static str>,
    asked: Arc<AtomicUsize>,
}

impl Counting {
    fn new(store: MemoryKeyStore<&'static str>) -> Self {
        Self {
            store,
            asked: Arc::default(),
        }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    fn cached(&self, capacity: usize) -> Cached<ApiKeys<Self>> {
        let capacity = NonZeroUsize::new(capacity).unwrap();
        Cached::new(ApiKeys::new(prefix(), self.clone()), capacity, MINUTE)
    }
}

impl KeyStore for Counting {
    type Principal = &'static str;
    type Error = std::convert::Infallible;
    type Future = <MemoryKeyStore<&'static str> as KeyStore>::Future;

    fn find(&self, id: KeyId) -> Self::Future {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.store.find(id)
    }
}

#[tokio::test(start_paused = true)]
async fn a_credential_is_verified_once_in_its_time_to_live() {
    let store = Counting::new(store());
    let layer = AuthenticateLayer::new(store.cached(10));
    for (wait, asked) in [(0, 1), (59, 1), (1, 2), (59, 2), (1, 3)] {
        advance(Duration::from_secs(wait)).await;
        assert_eq!(outcome(&layer, bearer(key(1).expose())).await, "ada");
        assert_eq!(store.asked(), asked);
    }
}

#[tokio::test(start_paused = true)]
async fn an_entry_ends_when_its_credential_does() {
    let keys = MemoryKeyStore::new();
    keys.insert(&key(1), "ada", Some(at(10)));
    let store = Counting::new(keys);
    let wall = Wall::new(9);
    let layer = AuthenticateLayer::new(store.cached(10)).clock(wall.reader());
    assert_eq!(outcome(&layer, bearer(key(1).expose())).await, "ada");
    assert_eq!(outcome(&layer, bearer(key(1).expose())).await, "ada");
    assert_eq!(store.asked(), 1);
    wall.set(10);
    let seen = outcome(&layer, bearer(key(1).expose())).await;
    assert_eq!(seen, "expired_credential");
    assert_eq!(store.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn refusals_are_not_remembered() {
    let store = Counting::new(store());
    let layer = AuthenticateLayer::new(store.cached(10));
    for asked in [1, 2] {
        let seen = outcome(&layer, bearer(key(2).expose())).await;
        assert_eq!((&*seen, store.asked()), ("unknown_credential", asked));
    }
    store.store.insert(&key(2), "bob", None);
    assert_eq!(outcome(&layer, bearer(key(2).expose())).await, "bob");
}

#[tokio::test(start_paused = true)]
async fn what_is_revoked_is_refused_at_once_when_the_cache_is_told() {
    type Tell = fn(&CacheHandle<&'static str>);
    let ways: [Tell; 2] = [
        |handle| handle.forget(key(1).expose()),
        |handle| handle.forget_where(|user| *user == "ada"),
    ];
    for tell in ways {
        let store = Counting::new(store());
        store.store.insert(&key(2), "bob", None);
        let cached = store.cached(10);
        let handle = cached.handle();
        let layer = AuthenticateLayer::new(cached);
        for seed in [1, 2] {
            outcome(&layer, bearer(key(seed).expose())).await;
        }
        store.store.revoke(key(1).id());
        assert_eq!(outcome(&layer, bearer(key(1).expose())).await, "ada");
        tell(&handle);
        let seen = outcome(&layer, bearer(key(1).expose())).await;
        assert_eq!((&*seen, store.asked()), ("unknown_credential", 3));
        // Others are left alone.
        assert_eq!(outcome(&layer, bearer(key(2).expose())).await, "bob");
        assert_eq!(store.asked(), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_used_stays_and_the_rest_goes() {
    let keys = MemoryKeyStore::new();
    for seed in 0..100 {
        keys.insert(&key(seed), "ada", None);
    }
    let store = Counting::new(keys);
    let layer = AuthenticateLayer::new(store.cached(10));
    for seed in 0..100 {
        outcome(&layer, bearer(key(seed).expose())).await;
        outcome(&layer, bearer(key(0).expose())).await;
    }
    assert_eq!(store.asked(), 100);
    outcome(&layer, bearer(key(1).expose())).await;
    assert_eq!(store.asked(), 101);
}

/// What it answers may be from before the revocation.
#[tokio::test(start_paused = true)]
async fn a_verification_that_was_under_way_is_not_remembered() {
    let (answer, answers) = tokio::sync::watch::channel(false);
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let slow = move |_: KeyId| {
        count.fetch_add(1, Ordering::Relaxed);
        let mut answers = answers.clone();
        async move {
            answers.wait_for(|answered| *answered).await.unwrap();
            Ok::<_, io::Error>(Some(StoredKey {
                digest: key(1).digest(),
                principal: "ada",
                expires_at: None,
            }))
        }
    };
    let cached = Cached::new(
        ApiKeys::new(prefix(), slow),
        NonZeroUsize::new(10).unwrap(),
        MINUTE,
    );
    let handle = cached.handle();
    let layer = AuthenticateLayer::new(cached);
    let (seen, ()) = tokio::join!(outcome(&layer, bearer(key(1).expose())), async {
        handle.forget(key(1).expose());
        answer.send(true).unwrap();
    });
    assert_eq!(seen, "ada");
    outcome(&layer, bearer(key(1).expose())).await;
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn a_time_to_live_without_end_is_none() {
    let store = Counting::new(store());
    let keys = ApiKeys::new(prefix(), store.clone());
    let cached = Cached::new(keys, NonZeroUsize::MIN, Duration::MAX);
    let layer = AuthenticateLayer::new(cached);
    for asked in [1, 2] {
        assert_eq!(outcome(&layer, bearer(key(1).expose())).await, "ada");
        assert_eq!(store.asked(), asked);
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_does_not_matter_to_what_is_known() {
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    type Answer = Ready<Result<Option<StoredKey<&'static str>>, io::Error>>;
    let fails_later = move |_: KeyId| -> Answer {
        ready(match count.fetch_add(1, Ordering::Relaxed) {
            0 => Ok(Some(StoredKey {
                digest: key(1).digest(),
                principal: "ada",
                expires_at: None,
            })),
            _ => Err(io::Error::other("away")),
        })
    };
    let keys = ApiKeys::new(prefix(), fails_later);
    let layer = AuthenticateLayer::new(Cached::new(keys, NonZeroUsize::MIN, MINUTE));
    for expected in ["ada", "ada"] {
        assert_eq!(outcome(&layer, bearer(key(1).expose())).await, expected);
    }
    advance(MINUTE).await;
    let seen = outcome(&layer, bearer(key(1).expose())).await;
    assert_eq!(seen, "credentials_unavailable");
}
