use std::{sync::Mutex, time::Duration};

use tower::{Layer, Service, ServiceExt};
use tower_conformance::{Control, Probe, Subject, check};
use tower_sliding_window::{
    AsResponse, MemoryStore, Quota, RateLimit, RateLimitLayer, Refusal, Reject, Wait,
};

use crate::{oracle::quota, remote::Remote};

const HOUR: Duration = Duration::from_secs(3600);

type Key = fn(&u32) -> Option<u32>;
type Limited<M, St> = RateLimit<Probe<u32>, u32, Key, Quota, M, St>;

fn layer(limit: u32) -> RateLimitLayer<u32, Key, Quota> {
    RateLimitLayer::new(|request| Some(*request), quota(limit, HOUR))
}

struct Rejecting;

impl Subject for Rejecting {
    type Request = u32;
    type Response = u32;
    type Service = Limited<Reject, MemoryStore<u32>>;

    fn service(&self, inner: Probe<u32>) -> Self::Service {
        layer(1000).layer(inner)
    }

    fn request(&self) -> u32 {
        1
    }

    fn response() -> u32 {
        2
    }
}

struct Full;

impl Subject for Full {
    type Request = u32;
    type Response = u32;
    type Service = Limited<Reject<AsResponse<fn(&Refusal) -> u32>>, MemoryStore<u32>>;

    const REACHES_INNER: bool = false;

    fn service(&self, inner: Probe<u32>) -> Self::Service {
        let refused: fn(&Refusal) -> u32 = |_| 429;
        layer(1).respond(refused).layer(inner)
    }

    fn request(&self) -> u32 {
        1
    }

    fn response() -> u32 {
        2
    }

    async fn prepare(&self, service: &mut Self::Service, _: &Control) {
        service.ready().await.unwrap().call(1).await.unwrap();
    }
}

struct AcrossANetwork;

impl Subject for AcrossANetwork {
    type Request = u32;
    type Response = u32;
    type Service = Limited<Reject, Remote>;

    fn service(&self, inner: Probe<u32>) -> Self::Service {
        layer(1000).store(Remote::new()).layer(inner)
    }

    fn request(&self) -> u32 {
        1
    }

    fn response() -> u32 {
        2
    }
}

/// With a limit of one an hour each call but the first waits; with more than are made, none.
struct Waiting {
    limit: u32,
    latest: Mutex<Option<Wait<u32>>>,
}

impl Subject for Waiting {
    type Request = u32;
    type Response = u32;
    type Service = Limited<Wait<u32>, MemoryStore<u32>>;

    fn service(&self, inner: Probe<u32>) -> Self::Service {
        let wait = Wait::new(Duration::MAX);
        *self.latest.lock().unwrap() = Some(wait.clone());
        layer(self.limit).wait(wait).layer(inner)
    }

    fn request(&self) -> u32 {
        1
    }

    fn response() -> u32 {
        2
    }

    fn held(&self, _: &Self::Service) -> usize {
        self.latest
            .lock()
            .unwrap()
            .as_ref()
            .map_or(0, Wait::waiting)
    }
}

#[tokio::test(start_paused = true)]
async fn a_limiter_that_rejects_keeps_the_laws() {
    check(&Rejecting).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_limiter_that_is_full_keeps_the_laws() {
    check(&Full).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_limiter_with_a_slow_store_keeps_the_laws() {
    check(&AcrossANetwork).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_limiter_that_waits_keeps_the_laws_while_there_is_room() {
    check(&Waiting {
        limit: 1000,
        latest: Mutex::default(),
    })
    .await
    .unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_limiter_that_waits_keeps_the_laws_while_calls_are_in_line() {
    check(&Waiting {
        limit: 1,
        latest: Mutex::default(),
    })
    .await
    .unwrap();
}
