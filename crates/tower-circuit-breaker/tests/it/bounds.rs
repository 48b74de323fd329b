//! What the breaker does not ask of the inner service, and what settings it refuses.

use std::{
    cell::RefCell,
    future::Future,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use tower::{Layer, Service, ServiceExt};
use tower_circuit_breaker::{
    CircuitBreaker, CircuitBreakerLayer, Handle, Trip, Verdict, Window, future::ResponseFuture,
};

use crate::scripted::calls;

/// Neither `Clone` nor `Send` nor `'static`, and its future is not `Unpin`.
struct Local<'a> {
    seen: &'a Rc<RefCell<Vec<String>>>,
}

impl<'a> Service<&'a str> for Local<'a> {
    type Response = Rc<str>;
    type Error = Rc<str>;
    type Future = Pin<Box<dyn Future<Output = Result<Rc<str>, Rc<str>>> + 'a>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Rc<str>>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: &'a str) -> Self::Future {
        self.seen.borrow_mut().push(request.to_owned());
        Box::pin(async move { Ok(request.into()) })
    }
}

#[tokio::test(start_paused = true)]
async fn the_inner_service_needs_no_clone_no_send_and_no_static() {
    let seen = Rc::default();
    let text = String::from("hello");
    let judged = Rc::new(RefCell::new(0));
    let layer = CircuitBreakerLayer::new().classify(|_: Result<&Rc<str>, &Rc<str>>| {
        *judged.borrow_mut() += 1;
        Verdict::Success
    });
    let mut service = layer.layer(Local { seen: &seen });
    let response = service.ready().await.unwrap().call(text.as_str()).await;
    assert_eq!(&*response.unwrap(), "hello");
    assert_eq!((seen.borrow().len(), *judged.borrow()), (1, 1));
}

#[test]
fn what_is_shared_between_threads_may_be() {
    fn shared<T: Send + Sync + Clone + 'static>() {}
    fn sent<T: Send>() {}
    shared::<CircuitBreakerLayer>();
    shared::<CircuitBreaker<tower::util::BoxCloneSyncService<(), (), ()>>>();
    shared::<Handle>();
    sent::<ResponseFuture<std::future::Ready<()>, fn()>>();
}

#[test]
fn the_response_future_is_two_words_larger_than_the_inner_one() {
    type Inner = [u64; 2];
    type Outer = ResponseFuture<Inner, ()>;
    assert_eq!(
        size_of::<Outer>(),
        size_of::<Inner>() + 2 * size_of::<usize>()
    );
}

#[test]
fn a_rate_that_is_none_is_refused_by_name() {
    let window = Window::Calls(calls(10));
    for rate in [0.0, -0.5, 1.000_1, f64::NAN, f64::INFINITY, -0.0] {
        for trip in [
            Trip::failure_rate(rate, window),
            Trip::slow_rate(Duration::from_secs(1), rate, window),
        ] {
            assert_eq!(trip.unwrap_err().rate.to_bits(), rate.to_bits());
        }
    }
    let message = Trip::failure_rate(1.5, window).unwrap_err().to_string();
    assert_eq!(message, "a rate is more than 0 and at most 1, not 1.5");
    assert!(Trip::failure_rate(f64::MIN_POSITIVE, window).is_ok());
    assert!(Trip::failure_rate(1.0, window).is_ok());
}

#[test]
fn debug_shows_the_state_and_needs_nothing_of_the_classifier() {
    let layer = CircuitBreakerLayer::new().classify(|_: Result<&(), &()>| Verdict::Success);
    for text in [
        format!("{layer:?}"),
        format!("{:?}", layer.handle()),
        format!("{:?}", layer.layer("inner")),
    ] {
        assert!(text.contains("state: Closed"), "{text}");
    }
}
