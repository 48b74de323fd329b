//! When the inner service is readied, and what is given back.

use std::{convert::Infallible, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tokio::sync::{Semaphore, mpsc};
use tokio_test::{assert_pending, assert_ready, task};
use tower::{Layer, Service, limit::GlobalConcurrencyLimitLayer, service_fn};
use tower_webhook_hmac::{VerifiedBody, VerifyWebhook};

use crate::script::{Script, Step, data, layer, signed, start};

/// A stack over an inner service with one permit, and the permits left.
fn one_at_a_time() -> (
    Arc<Semaphore>,
    VerifyWebhook<
        impl Service<Request<VerifiedBody>, Response = Response<()>, Error = Infallible, Future: Send>
        + Clone,
    >,
) {
    let permits = Arc::new(Semaphore::new(1));
    let inner = service_fn(|_: Request<VerifiedBody>| async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok(Response::new(()))
    });
    let limited = GlobalConcurrencyLimitLayer::with_semaphore(Arc::clone(&permits)).layer(inner);
    (permits, layer().layer(limited))
}

#[tokio::test(start_paused = true)]
async fn a_slow_body_holds_no_permit_of_the_inner_service() {
    let (permits, mut service) = one_at_a_time();
    let slow = signed(Script::new([data("{"), Step::Hang]), "{}");
    let mut slow = task::spawn(start(&mut service, slow));
    assert_pending!(slow.poll());
    assert_eq!(permits.available_permits(), 1);
    let quick = signed(Script::new([data("{}")]), "{}");
    let response = start(&mut service, quick).await.unwrap();
    assert_eq!(response.status(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_verified_request_waits_for_the_inner_service_to_be_ready() {
    let (permits, mut service) = one_at_a_time();
    let taken = Arc::clone(&permits).try_acquire_owned().unwrap();
    let request = signed(Full::<Bytes>::from("{}"), "{}");
    let mut call = task::spawn(start(&mut service, request));
    assert_pending!(call.poll());
    drop(taken);
    assert!(call.is_woken());
    assert_eq!(call.await.unwrap().status(), 200);
    assert_eq!(permits.available_permits(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_future_gives_back_the_permit_it_had() {
    let (permits, mut service) = one_at_a_time();
    let request = signed(Full::<Bytes>::from("{}"), "{}");
    let mut call = task::spawn(start(&mut service, request));
    assert_pending!(call.poll());
    assert_eq!(permits.available_permits(), 0);
    drop(call);
    assert_eq!(permits.available_permits(), 1);
}

#[tokio::test]
async fn a_dropped_future_drops_the_body() {
    let (sender, receiver) = mpsc::channel::<()>(1);
    let body = http_body_util::BodyExt::map_frame(Script::new([Step::Hang]), move |frame| {
        let _ = &receiver;
        frame
    });
    let mut service = layer().layer(service_fn(|_: Request<VerifiedBody>| async {
        Ok::<_, Infallible>(Response::new(()))
    }));
    let mut call = task::spawn(start(&mut service, signed(body, "")));
    assert_pending!(call.poll());
    assert!(!sender.is_closed());
    drop(call);
    assert!(sender.is_closed());
}

#[tokio::test]
async fn a_body_that_is_always_ready_gives_way_to_others() {
    let body = Script::new(std::iter::repeat_n(data("1"), 100));
    let mut service = layer().layer(service_fn(|_: Request<VerifiedBody>| async {
        Ok::<_, Infallible>(Response::new(()))
    }));
    let mut call = task::spawn(start(&mut service, signed(body, "1".repeat(100))));
    assert_pending!(call.poll());
    assert!(call.is_woken());
    assert_eq!(assert_ready!(call.poll()).unwrap().status(), 200);
}
