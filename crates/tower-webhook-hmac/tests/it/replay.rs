//! Each delivery once.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::{Request, Response, StatusCode, header::RETRY_AFTER};
use tokio_test::{assert_pending, task};
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_conformance::{Probe, Subject, Violations, check};
use tower_webhook_hmac::{
    ReplayKey, Scheme, Verified,
    replay::{
        Claimed, MemoryReplay, Replay, ReplayError, ReplayGuard, ReplayGuardLayer, ReplayStore,
        Ticket,
    },
};

use crate::script::{secret, signed, start};

const SECOND: Duration = Duration::from_secs(1);

/// A request as the layer that verifies hands it on.
fn verified(content: &str) -> Request<()> {
    let mut request = signed((), content);
    let now = std::time::SystemTime::now();
    let verdict = Scheme::github().verify(&request, &secret().into(), now, content);
    request
        .extensions_mut()
        .insert::<Verified>(verdict.unwrap());
    request
}

fn guard() -> ReplayGuardLayer<MemoryReplay> {
    ReplayGuardLayer::new(MemoryReplay::new(8))
}

/// Answers what the header `answer` of the request says, and counts.
fn handler() -> (
    impl Service<Request<()>, Response = Response<()>, Error = Infallible, Future: Send> + Clone,
    Arc<AtomicUsize>,
) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&calls);
    let handler = service_fn(move |request: Request<()>| {
        counter.fetch_add(1, Ordering::SeqCst);
        let status = request
            .headers()
            .get("answer")
            .map(|it| it.as_bytes().to_vec());
        async move {
            let mut response = Response::new(());
            if let Some(status) = status {
                *response.status_mut() = StatusCode::from_bytes(&status).unwrap();
            }
            Ok(response)
        }
    });
    (handler, calls)
}

fn answering(content: &str, status: &'static str) -> Request<()> {
    let mut request = verified(content);
    request
        .headers_mut()
        .insert("answer", status.parse().unwrap());
    request
}

#[tokio::test]
async fn a_delivery_is_handled_once_and_its_repetitions_are_acknowledged() {
    let (handler, calls) = handler();
    let mut service = guard().layer(handler);
    let first = start(&mut service, verified("a")).await.unwrap();
    assert!(!first.headers().contains_key("webhook-duplicate"));
    for _ in 0..2 {
        // Another id, which GitHub doesn't sign, makes no other delivery of it.
        let mut again = verified("a");
        again
            .headers_mut()
            .insert("x-github-delivery", "other".parse().unwrap());
        let again = start(&mut service, again).await.unwrap();
        assert_eq!(
            (again.status(), &again.headers()["webhook-duplicate"]),
            (StatusCode::OK, &"true".parse().unwrap())
        );
        assert_eq!(again.extensions().get(), Some(&Replay::Duplicate));
    }
    start(&mut service, verified("b")).await.unwrap();
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn what_the_provider_will_send_again_is_let_through_again() {
    let (handler, calls) = handler();
    let mut service = guard().layer(handler);
    for status in ["500", "503", "429", "404", "302"] {
        let response = start(&mut service, answering("a", status)).await.unwrap();
        assert_eq!(response.status().as_str(), status);
    }
    assert_eq!(calls.load(Ordering::SeqCst), 5);
    start(&mut service, answering("a", "202")).await.unwrap();
    start(&mut service, verified("a")).await.unwrap();
    assert_eq!(calls.load(Ordering::SeqCst), 6);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_or_failed_or_panicking_handler_releases_the_claim() {
    let store = MemoryReplay::new(8);
    let hang =
        service_fn(|_: Request<()>| std::future::pending::<Result<Response<()>, Infallible>>());
    let mut hanging = ReplayGuardLayer::new(store.clone()).layer(hang);
    let mut call = task::spawn(start(&mut hanging, verified("a")));
    assert_pending!(call.poll());
    let second = start(&mut hanging, verified("a")).await.unwrap();
    assert_eq!(second.status(), StatusCode::CONFLICT);
    assert!(second.headers().contains_key(RETRY_AFTER));
    assert_eq!(store.len(), 1);
    drop(call);
    assert_eq!(store.len(), 0);

    let fail = service_fn(async |_: Request<()>| Err::<Response<()>, _>(std::io::ErrorKind::Other));
    let mut failing = ReplayGuardLayer::new(store.clone()).layer(fail);
    assert!(start(&mut failing, verified("a")).await.is_err());
    assert_eq!(store.len(), 0);

    for early in [true, false] {
        let panic = service_fn(move |_: Request<()>| {
            assert!(!early, "in the call");
            async { panic!("in the future") }
        });
        let panicking = ReplayGuardLayer::new(store.clone()).layer(panic);
        let call = panicking.oneshot(verified("a"));
        let joined: Result<Result<Response<()>, Infallible>, _> = tokio::spawn(call).await;
        assert!(joined.is_err());
        assert_eq!(store.len(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn memory_and_leases_end_when_they_were_told_to() {
    let (handler, calls) = handler();
    let mut service = guard().keep(10 * SECOND).layer(handler);
    start(&mut service, verified("a")).await.unwrap();
    tokio::time::advance(10 * SECOND - Duration::from_millis(1)).await;
    start(&mut service, verified("a")).await.unwrap();
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    tokio::time::advance(Duration::from_millis(1)).await;
    start(&mut service, verified("a")).await.unwrap();
    assert_eq!(calls.load(Ordering::SeqCst), 2);

    let store = MemoryReplay::new(1);
    let key = ReplayKey([1; 32]);
    let claim = async || store.claim(key, SECOND).await.unwrap();
    let Claimed::Fresh(first) = claim().await else {
        panic!()
    };
    tokio::time::advance(SECOND).await;
    let Claimed::Fresh(second) = claim().await else {
        panic!()
    };
    // The first has ended: it can't settle the second's claim.
    store.release(key, first);
    store.commit(key, first, SECOND).await.unwrap();
    assert_eq!(claim().await, Claimed::InFlight);
    store.commit(key, second, Duration::MAX).await.unwrap();
    assert_eq!(claim().await, Claimed::Done);
}

#[tokio::test(start_paused = true)]
async fn a_full_store_refuses_and_forgets_nothing() {
    let (handler, _) = handler();
    let mut service = ReplayGuardLayer::new(MemoryReplay::new(2))
        .keep(SECOND)
        .layer(handler);
    for content in ["a", "b"] {
        assert_eq!(
            start(&mut service, verified(content))
                .await
                .unwrap()
                .status(),
            200
        );
    }
    let refused = start(&mut service, verified("c")).await.unwrap();
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.extensions().get(), Some(&Replay::StoreFull));
    for content in ["a", "b"] {
        let again = start(&mut service, verified(content)).await.unwrap();
        assert_eq!(again.extensions().get(), Some(&Replay::Duplicate));
    }
    tokio::time::advance(SECOND).await;
    assert_eq!(
        start(&mut service, verified("c")).await.unwrap().status(),
        200
    );
    let none = MemoryReplay::new(0).claim(ReplayKey([0; 32]), SECOND).await;
    assert_eq!(none, Err(ReplayError::Full));
}

#[tokio::test(start_paused = true)]
async fn claims_that_are_released_leave_nothing_behind() {
    let store = MemoryReplay::new(4);
    for n in 0..10_000_u32 {
        let mut key = [0; 32];
        key[..4].copy_from_slice(&n.to_le_bytes());
        let Ok(Claimed::Fresh(ticket)) = store.claim(ReplayKey(key), SECOND).await else {
            panic!("{n}")
        };
        store.release(ReplayKey(key), ticket);
    }
    assert!(store.is_empty());
}

#[tokio::test]
async fn a_duplicate_can_be_left_to_the_handler() {
    let handler = service_fn(async |request: Request<()>| {
        let replay = request.extensions().get::<Replay>().copied();
        Ok::<_, Infallible>(Response::new(replay))
    });
    let mut service = guard().forward_duplicates().layer(handler);
    let first = start(&mut service, verified("a")).await.unwrap();
    assert_eq!(first.into_body(), None);
    let second = start(&mut service, verified("a")).await.unwrap();
    assert_eq!(second.into_body(), Some(Replay::Duplicate));
}

#[tokio::test]
async fn a_guard_in_the_wrong_place_and_a_store_that_is_away_let_nothing_through() {
    let (handler, calls) = handler();
    let mut service = guard().layer(handler.clone());
    let unverified = start(&mut service, signed((), "a")).await.unwrap();
    assert_eq!(unverified.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(unverified.extensions().get(), Some(&Replay::Unverified));
    let mut service = ReplayGuardLayer::new(Away).layer(handler);
    let away = start(&mut service, verified("a")).await.unwrap();
    assert_eq!(away.extensions().get(), Some(&Replay::StoreUnavailable));
    assert_eq!(calls.load(Ordering::SeqCst), 0);
}

#[derive(Clone)]
struct Away;

impl ReplayStore for Away {
    type Claiming = std::future::Ready<Result<Claimed, ReplayError>>;
    type Committing = std::future::Ready<Result<(), ReplayError>>;

    fn claim(&self, _: ReplayKey, _: Duration) -> Self::Claiming {
        std::future::ready(Err(ReplayError::Unavailable))
    }

    fn commit(&self, _: ReplayKey, _: Ticket, _: Duration) -> Self::Committing {
        std::future::ready(Err(ReplayError::Unavailable))
    }

    fn release(&self, _: ReplayKey, _: Ticket) {}
}

/// A store of its own each time, so that no request is a repetition.
struct Guarded;

impl Subject for Guarded {
    type Request = Request<()>;
    type Response = Response<()>;
    type Service = ReplayGuard<Probe<Response<()>>, Fresh>;

    fn service(&self, inner: Probe<Response<()>>) -> Self::Service {
        ReplayGuardLayer::new(Fresh(MemoryReplay::new(1000))).layer(inner)
    }

    fn request(&self) -> Request<()> {
        verified("a")
    }

    fn response() -> Response<()> {
        Response::new(())
    }
}

/// Every claim is another's.
#[derive(Debug, Clone)]
struct Fresh(MemoryReplay);

impl ReplayStore for Fresh {
    type Claiming = <MemoryReplay as ReplayStore>::Claiming;
    type Committing = <MemoryReplay as ReplayStore>::Committing;

    fn claim(&self, _: ReplayKey, lease: Duration) -> Self::Claiming {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&self.0.len().to_le_bytes());
        self.0.claim(ReplayKey(key), lease)
    }

    fn commit(&self, key: ReplayKey, ticket: Ticket, keep: Duration) -> Self::Committing {
        self.0.commit(key, ticket, keep)
    }

    fn release(&self, key: ReplayKey, ticket: Ticket) {
        self.0.release(key, ticket);
    }
}

#[tokio::test(start_paused = true)]
async fn a_guard_keeps_the_laws() -> Result<(), Violations> {
    check(&Guarded).await
}
