//! What the tests share: a key, somebody who holds it, and a moment.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use http::{Request, Response};
use tower::{Layer, ServiceExt, service_fn};
use tower_access_control::{
    ApiKey, ApiKeys, AuthenticateLayer, Authenticator, MemoryKeyStore, Prefix, Rejection,
};

pub(crate) fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

pub(crate) fn prefix() -> Prefix {
    "acme_live".parse().unwrap()
}

pub(crate) fn key(seed: u8) -> ApiKey {
    ApiKey::from_entropy(&prefix(), [seed; 28])
}

/// A store in which the key of seed 1 is Ada's.
pub(crate) fn store() -> MemoryKeyStore<&'static str> {
    let store = MemoryKeyStore::new();
    store.insert(&key(1), "ada", None);
    store
}

pub(crate) fn keys() -> ApiKeys<MemoryKeyStore<&'static str>> {
    ApiKeys::new(prefix(), store())
}

pub(crate) fn bearer(text: &str) -> Request<()> {
    let value = format!("Bearer {text}");
    Request::get("/")
        .header("authorization", value)
        .body(())
        .unwrap()
}

/// A clock that a test sets.
#[derive(Debug, Clone)]
pub(crate) struct Wall(Arc<AtomicU64>);

impl Wall {
    pub(crate) fn new(seconds: u64) -> Self {
        Self(Arc::new(AtomicU64::new(seconds)))
    }

    pub(crate) fn set(&self, seconds: u64) {
        self.0.store(seconds, Ordering::Relaxed);
    }

    pub(crate) fn reader(&self) -> impl Fn() -> SystemTime + Clone + use<> {
        let seconds = Arc::clone(&self.0);
        move || at(seconds.load(Ordering::Relaxed))
    }
}

/// The response to a request, and what it was refused for.
pub(crate) async fn answer<A>(
    layer: &AuthenticateLayer<A, impl tower_access_control::Clock + Clone>,
    request: Request<()>,
) -> (Response<String>, Option<Rejection>)
where
    A: Authenticator<Principal = &'static str>,
{
    let echo = service_fn(async |request: Request<()>| {
        let who = request.extensions().get::<&'static str>().copied();
        Ok::<_, Infallible>(Response::new(who.unwrap_or("nobody").to_owned()))
    });
    let response = layer.layer(echo).oneshot(request).await.unwrap();
    let rejection = response.extensions().get().cloned();
    (response, rejection)
}

/// Who it was, or the code of the refusal.
pub(crate) async fn outcome<A>(
    layer: &AuthenticateLayer<A, impl tower_access_control::Clock + Clone>,
    request: Request<()>,
) -> String
where
    A: Authenticator<Principal = &'static str>,
{
    match answer(layer, request).await {
        (response, None) => response.into_body(),
        (_, Some(rejection)) => rejection.code().to_owned(),
    }
}
