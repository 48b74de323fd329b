//! An inner service whose answers a test writes, and a caller that reads them to the end.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::BodyExt;
use tower::{Layer, Service, ServiceExt};
use tower_conformance::ProbeBody;
use tower_ttl_cache::{
    CacheHandle, CacheOutcome, HttpCache, HttpCacheLayer,
    store::{MemoryStore, Store},
};

/// Answers each call with the closure, which is told how many calls there were before.
#[derive(Clone)]
pub(crate) struct Origin<A> {
    answer: A,
    calls: Arc<AtomicU64>,
}

impl<A> Service<Request<()>> for Origin<A>
where
    A: Fn(u64, &Request<()>) -> Response<ProbeBody>,
{
    type Response = Response<ProbeBody>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        let before = self.calls.fetch_add(1, Ordering::Relaxed);
        ready(Ok((self.answer)(before, &request)))
    }
}

/// What a caller got.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) outcome: CacheOutcome,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Got {
    pub(crate) fn is_hit(&self) -> bool {
        self.outcome == CacheOutcome::Hit
    }

    pub(crate) fn age(&self) -> &str {
        self.headers["age"].to_str().unwrap()
    }
}

/// A cache in front of an [`Origin`].
pub(crate) struct Stack<A, St = MemoryStore> {
    pub(crate) service: HttpCache<Origin<A>, St>,
    pub(crate) handle: CacheHandle<St>,
    calls: Arc<AtomicU64>,
}

impl<A, St> Stack<A, St>
where
    A: Fn(u64, &Request<()>) -> Response<ProbeBody> + Clone,
    St: Store,
{
    pub(crate) fn new(layer: &HttpCacheLayer<St>, answer: A) -> Self {
        let calls = Arc::default();
        let origin = Origin {
            answer,
            calls: Arc::clone(&calls),
        };
        Self {
            service: layer.layer(origin),
            handle: layer.handle(),
            calls,
        }
    }

    pub(crate) fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// The response, its body not yet read.
    pub(crate) async fn send(
        &mut self,
        request: Request<()>,
    ) -> Response<tower_ttl_cache::CacheBody<ProbeBody, St>> {
        call(&mut self.service, request).await.unwrap()
    }

    pub(crate) async fn read(&mut self, request: Request<()>) -> Got {
        let (parts, body) = self.send(request).await.into_parts();
        Got {
            outcome: *parts.extensions.get().unwrap(),
            status: parts.status,
            headers: parts.headers,
            body: body.collect().await.unwrap().to_bytes(),
        }
    }
}

/// Drives readiness, then calls.
pub(crate) async fn call<S>(service: &mut S, request: Request<()>) -> Result<S::Response, S::Error>
where
    S: Service<Request<()>>,
{
    service.ready().await?.call(request).await
}

/// A `GET` with these headers.
pub(crate) fn get(uri: &str, headers: &[(&str, &str)]) -> Request<()> {
    let mut builder = Request::get(uri);
    for &(name, value) in headers {
        builder = builder.header(name, value);
    }
    builder.body(()).unwrap()
}

/// A 200 whose body counts the calls.
pub(crate) fn ok(call: u64, headers: &[(&str, &str)]) -> Response<ProbeBody> {
    let mut builder = Response::builder();
    for &(name, value) in headers {
        builder = builder.header(name, value);
    }
    let body = ProbeBody::new().data(format!("body {call}"));
    builder.body(body).unwrap()
}

/// A 200 that is fresh for a minute.
pub(crate) fn minute(call: u64, _: &Request<()>) -> Response<ProbeBody> {
    ok(call, &[("cache-control", "max-age=60")])
}

pub(crate) fn private() -> HttpCacheLayer {
    HttpCacheLayer::private(MemoryStore::new())
}
