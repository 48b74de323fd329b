use std::{
    convert::Infallible,
    future::{Future, ready},
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::json;
use tokio::time::{advance, sleep};
use tokio_test::{assert_pending, assert_ready, task};
use tower::Service;
use tower_access_control::jwt::{RemoteKeys, VerifyingKeys};

const SECOND: Duration = Duration::from_secs(1);

/// An issuer: which keys it publishes, whether it is away, how long it takes, how often it was
/// asked.
#[derive(Clone, Default)]
struct Issuer(Arc<Mutex<Publishes>>);

#[derive(Default)]
struct Publishes {
    keys: Vec<&'static str>,
    away: bool,
    takes: Duration,
    asked: usize,
}

impl Issuer {
    fn new(keys: &[&'static str]) -> Self {
        let issuer = Self::default();
        issuer.change(|publishes| publishes.keys = keys.to_vec());
        issuer
    }

    fn change<T>(&self, change: impl FnOnce(&mut Publishes) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn asked(&self) -> usize {
        self.change(|publishes| publishes.asked)
    }
}

impl Service<()> for Issuer {
    type Response = String;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<String>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, (): ()) -> Self::Future {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let x = URL_SAFE_NO_PAD.encode(pair.public_key());
        self.change(|publishes| {
            publishes.asked += 1;
            let takes = publishes.takes;
            let keys: Vec<_> = publishes
                .keys
                .iter()
                .map(|id| json!({"kty": "OKP", "crv": "Ed25519", "x": x, "kid": id}))
                .collect();
            let answer = if publishes.away {
                Err(io::Error::other("the issuer is away"))
            } else {
                Ok(json!({"keys": keys}).to_string())
            };
            Box::pin(async move {
                if takes > Duration::ZERO {
                    sleep(takes).await;
                }
                answer
            }) as Self::Future
        })
    }
}

/// `Some(true)` for a key, `Some(false)` for none, `None` when that can't be told.
async fn find(keys: &RemoteKeys<Issuer>, id: &str) -> Option<bool> {
    keys.find(Some(id)).await.ok().map(|key| key.is_some())
}

#[tokio::test(start_paused = true)]
async fn a_document_is_fetched_when_a_key_is_needed_and_when_it_is_old() {
    let issuer = Issuer::new(&["a", "b"]);
    let keys = RemoteKeys::new(issuer.clone());
    assert_eq!(issuer.asked(), 0);
    for (wait, asked) in [(0, 1), (0, 1), (599, 1), (1, 2), (599, 2)] {
        advance(SECOND * wait).await;
        assert_eq!(find(&keys, "a").await, Some(true));
        assert_eq!(issuer.asked(), asked, "{wait}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_key_is_fetched_when_a_token_names_it() {
    let issuer = Issuer::new(&["a", "b"]);
    let keys = RemoteKeys::new(issuer.clone());
    assert_eq!(find(&keys, "a").await, Some(true));
    issuer.change(|publishes| publishes.keys = vec!["b", "c"]);
    advance(30 * SECOND).await;
    assert_eq!(find(&keys, "c").await, Some(true));
    assert_eq!(find(&keys, "a").await, Some(false));
    assert_eq!(issuer.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn invented_names_make_one_fetch_in_a_cooldown() {
    let issuer = Issuer::new(&["a", "b"]);
    let keys = RemoteKeys::new(issuer.clone());
    assert_eq!(find(&keys, "a").await, Some(true));
    for second in 0..300 {
        let name = format!("invented-{second}");
        assert_eq!(find(&keys, &name).await, Some(false));
        advance(SECOND).await;
    }
    assert_eq!(issuer.asked(), 1 + 9);
}

#[tokio::test(start_paused = true)]
async fn a_name_known_to_be_unknown_is_not_asked_for_again_soon() {
    let issuer = Issuer::new(&["a", "b"]);
    let keys = RemoteKeys::new(issuer.clone());
    let mut asked = Vec::new();
    for _ in 0..4 {
        assert_eq!(find(&keys, "x").await, Some(false));
        asked.push(issuer.asked());
        advance(100 * SECOND).await;
    }
    assert_eq!(asked, [1, 1, 1, 2]);
}

#[tokio::test(start_paused = true)]
async fn an_old_document_is_better_than_none_for_a_day() {
    let issuer = Issuer::new(&["a", "b"]);
    let keys = RemoteKeys::new(issuer.clone());
    assert_eq!(find(&keys, "a").await, Some(true));
    issuer.change(|publishes| publishes.away = true);
    advance(600 * SECOND).await;
    assert_eq!(find(&keys, "a").await, Some(true));
    assert_eq!(find(&keys, "a").await, Some(true));
    assert_eq!(issuer.asked(), 2);
    // A key that isn't in it may be in a newer one.
    assert_eq!(find(&keys, "c").await, None);
    advance(24 * 3600 * SECOND - SECOND).await;
    assert_eq!(find(&keys, "a").await, Some(true));
    advance(SECOND).await;
    assert_eq!(find(&keys, "a").await, None);
    issuer.change(|publishes| publishes.away = false);
    advance(30 * SECOND).await;
    assert_eq!(find(&keys, "a").await, Some(true));
}

#[tokio::test(start_paused = true)]
async fn without_a_document_nothing_can_be_told_and_there_is_a_pause() {
    let issuer = Issuer::new(&["a", "b"]);
    issuer.change(|publishes| publishes.away = true);
    let keys = RemoteKeys::new(issuer.clone());
    for (wait, asked) in [(0, 1), (29, 1), (1, 2)] {
        advance(SECOND * wait).await;
        assert_eq!(find(&keys, "a").await, None);
        assert_eq!(issuer.asked(), asked);
    }
    let error = keys.find(Some("a")).await.unwrap_err();
    assert!(std::error::Error::source(&error).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_document_that_is_none_is_a_failure() {
    let nonsense = tower::service_fn(|()| ready(Ok::<_, Infallible>("<html>")));
    let keys = RemoteKeys::new(nonsense);
    assert!(keys.find(Some("a")).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn many_who_need_the_document_share_one_fetch() {
    let issuer = Issuer::new(&["a", "b"]);
    issuer.change(|publishes| publishes.takes = SECOND);
    let keys = RemoteKeys::new(issuer.clone());
    let mut waiting: Vec<_> = (0..100)
        .map(|_| task::spawn(keys.find(Some("a"))))
        .collect();
    for waiting in &mut waiting {
        assert_pending!(waiting.poll());
    }
    for waiting in waiting {
        assert!(waiting.await.unwrap().is_some());
    }
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn while_one_fetches_anew_the_others_use_what_there_is() {
    let issuer = Issuer::new(&["a", "b"]);
    let keys = RemoteKeys::new(issuer.clone());
    assert_eq!(find(&keys, "a").await, Some(true));
    issuer.change(|publishes| publishes.takes = SECOND);
    advance(600 * SECOND).await;
    let mut fetching = task::spawn(keys.find(Some("a")));
    assert_pending!(fetching.poll());
    let mut other = task::spawn(keys.find(Some("b")));
    assert!(assert_ready!(other.poll()).unwrap().is_some());
    assert!(fetching.await.unwrap().is_some());
    assert_eq!(issuer.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_a_fetch_leaves_it_to_the_next() {
    let issuer = Issuer::new(&["a", "b"]);
    issuer.change(|publishes| publishes.takes = SECOND);
    let keys = RemoteKeys::new(issuer.clone());
    let mut first = task::spawn(keys.find(Some("a")));
    assert_pending!(first.poll());
    let mut second = task::spawn(keys.find(Some("a")));
    assert_pending!(second.poll());
    drop(first);
    assert!(second.is_woken());
    assert!(second.await.unwrap().is_some());
    assert_eq!(issuer.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn times_are_as_they_were_set() {
    let issuer = Issuer::new(&["a", "b"]);
    let keys = RemoteKeys::new(issuer.clone())
        .fresh_for(5 * SECOND)
        .stale_for(2 * SECOND)
        .cooldown(SECOND);
    assert_eq!(find(&keys, "a").await, Some(true));
    advance(5 * SECOND).await;
    issuer.change(|publishes| publishes.away = true);
    assert_eq!(find(&keys, "a").await, Some(true));
    assert_eq!(issuer.asked(), 2);
    advance(SECOND).await;
    assert_eq!(find(&keys, "a").await, Some(true));
    assert_eq!(issuer.asked(), 3);
    advance(SECOND).await;
    assert_eq!(find(&keys, "a").await, None);
}

#[tokio::test(start_paused = true)]
async fn unmeasurable_times_are_no_surprise() {
    let issuer = Issuer::new(&["a", "b"]);
    let keys = RemoteKeys::new(issuer.clone())
        .fresh_for(Duration::MAX)
        .stale_for(Duration::MAX)
        .cooldown(Duration::ZERO);
    for _ in 0..3 {
        assert_eq!(find(&keys, "a").await, Some(true));
        advance(100_000 * SECOND).await;
    }
    assert_eq!(issuer.asked(), 1);
}
