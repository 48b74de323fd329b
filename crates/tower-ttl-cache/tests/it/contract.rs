use std::sync::atomic::{AtomicU64, Ordering};

use http::{Request, Response};
use http_body_util::BodyExt;
use tower::Layer;
use tower_conformance::{Control, Failure, Probe, ProbeBody, Subject, check, laws};
use tower_ttl_cache::{CacheOutcome, HttpCache};

use crate::origin::{call, get, minute, private};

/// Requests that were never seen before: every one reaches the inner service.
#[derive(Default)]
struct Cold(AtomicU64);

impl Subject for Cold {
    type Request = Request<()>;
    type Response = Response<ProbeBody>;
    type Service = HttpCache<Probe<Response<ProbeBody>>>;

    fn service(&self, inner: Probe<Response<ProbeBody>>) -> Self::Service {
        private().layer(inner)
    }

    fn request(&self) -> Request<()> {
        let unseen = self.0.fetch_add(1, Ordering::Relaxed);
        get(&format!("/{unseen}"), &[])
    }

    fn response() -> Response<ProbeBody> {
        minute(0, &get("/", &[]))
    }
}

/// One request that is stored: none reaches the inner service.
struct Warm;

impl Subject for Warm {
    type Request = Request<()>;
    type Response = Response<ProbeBody>;
    type Service = HttpCache<Probe<Response<ProbeBody>>>;

    const REACHES_INNER: bool = false;

    fn service(&self, inner: Probe<Response<ProbeBody>>) -> Self::Service {
        private().layer(inner)
    }

    fn request(&self) -> Request<()> {
        get("/", &[])
    }

    fn response() -> Response<ProbeBody> {
        minute(0, &get("/", &[]))
    }

    async fn prepare(&self, service: &mut Self::Service, _: &Control) {
        let response = call(service, self.request()).await;
        response.unwrap().into_body().collect().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn the_laws_hold_for_misses() {
    check(&Cold::default()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_laws_hold_for_hits() {
    check(&Warm).await.unwrap();
}

/// A stack whose inner service answers with `body`, and the request for it.
fn answering(body: ProbeBody, lifetime: &'static str) -> HttpCache<Probe<Response<ProbeBody>>> {
    let (probe, _) = Probe::new(move || {
        Response::builder()
            .header("cache-control", lifetime)
            .body(body.clone())
            .unwrap()
    });
    private().layer(probe)
}

#[tokio::test(start_paused = true)]
async fn bodies_are_kept_while_they_are_collected_and_while_they_are_not() {
    for lifetime in ["max-age=60", "no-store"] {
        laws::body_is_kept(async |body: ProbeBody| {
            let mut service = answering(body, lifetime);
            let response = call(&mut service, get("/", &[])).await?;
            Ok::<_, Failure>(response.into_body())
        })
        .await
        .unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn bodies_from_the_store_are_kept() {
    laws::body_is_kept(async |body: ProbeBody| {
        let mut service = answering(body, "max-age=60");
        let response = call(&mut service, get("/", &[])).await?;
        let whole = response.into_body().collect().await?;
        let trailers = whole.trailers().is_some();
        let response = call(&mut service, get("/", &[])).await?;
        let hit = response.extensions().get() == Some(&CacheOutcome::Hit);
        assert_eq!(hit, !trailers);
        Ok::<_, Failure>(response.into_body())
    })
    .await
    .unwrap();
}
