use std::{
    error::Error as _,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::advance;
use tokio_test::{assert_pending, assert_ready_err, assert_ready_ok, task};
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_circuit_breaker::{CircuitBreakerLayer, Error, State, Trip};

use crate::scripted::{End, MS, Scripted, due, times, touchy};

#[tokio::test(start_paused = true)]
async fn an_open_circuit_refuses_until_exactly_the_time_it_told() {
    let mut service = Scripted::new(touchy());
    service.make(End::Failure);
    let wait = service.start().err().unwrap();
    assert!(wait >= Duration::from_millis(2_500) && wait <= Duration::from_secs(5));

    advance(wait - MS).await;
    assert_eq!(service.start().err(), Some(MS));
    assert_eq!(service.state(), State::Open);
    advance(MS).await;
    assert_eq!(service.circuit.retry_after(), Some(Duration::ZERO));
    assert_eq!(service.state(), State::Open);
    let _probe = service.start().unwrap();
    assert_eq!(service.state(), State::HalfOpen);
    assert_eq!(service.circuit.rejected(), 2);
    assert_eq!(service.started(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_open_circuit_is_still_due_long_after_its_time() {
    let mut service = due(touchy()).await;
    for _ in 0..3 {
        advance(Duration::from_secs(40 * 86_400)).await;
        assert_eq!(service.circuit.retry_after(), Some(Duration::ZERO));
    }
    service.make(End::Success);
}

#[tokio::test(start_paused = true)]
async fn the_open_time_doubles_to_the_cap_and_starts_again_after_closing() {
    let mut service = Scripted::new(touchy());
    service.make(End::Failure);
    for step in [5_u32, 10, 20, 40, 80, 120, 120, 120] {
        let wait = service.circuit.retry_after().unwrap();
        let full = Duration::from_secs(step.into());
        assert!(wait * 2 >= full && wait <= full, "{wait:?} of {full:?}");
        advance(wait).await;
        service.make(End::Failure);
    }
    service.wait_until_due().await;
    service.make_many(3, End::Success);
    assert_eq!(service.circuit.retry_after(), None);
    service.make(End::Failure);
    assert!(service.circuit.retry_after().unwrap() <= Duration::from_secs(5));
    assert_eq!(service.circuit.opened(), 10);
}

#[tokio::test(start_paused = true)]
async fn open_times_differ_between_circuits_and_repeat_with_a_seed() {
    let first_wait = |layer: CircuitBreakerLayer| {
        let mut service = Scripted::new(layer);
        service.make_many(5, End::Failure);
        service.circuit.retry_after().unwrap()
    };
    let unseeded: Vec<_> = (0..8)
        .map(|_| first_wait(CircuitBreakerLayer::new()))
        .collect();
    assert!(
        unseeded.iter().any(|wait| *wait != unseeded[0]),
        "{unseeded:?}"
    );
    assert_eq!(
        first_wait(CircuitBreakerLayer::new().jitter_seed(7)),
        first_wait(CircuitBreakerLayer::new().jitter_seed(7))
    );
}

#[tokio::test(start_paused = true)]
async fn a_zero_open_time_is_a_millisecond_and_a_cap_below_the_base_is_the_base() {
    let mut zero = Scripted::new(touchy().open_for(Duration::ZERO, Duration::ZERO));
    zero.make(End::Failure);
    assert_eq!(zero.start().err(), Some(MS));
    advance(MS).await;
    zero.make(End::Failure);
    assert_eq!(zero.start().err(), Some(MS));

    let mut fixed = due(touchy().open_for(Duration::from_secs(1), Duration::ZERO)).await;
    fixed.make(End::Failure);
    assert!(fixed.circuit.retry_after().unwrap() <= Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn an_endless_open_time_does_not_overflow() {
    let mut service = Scripted::new(touchy().open_for(Duration::MAX, Duration::MAX));
    service.make(End::Failure);
    let wait = service.start().err().unwrap();
    assert!(wait > Duration::from_secs(12 * 86_400) && wait < Duration::from_secs(25 * 86_400));
    advance(wait).await;
    service.make(End::Success);
}

/// Never ready again once it has been called.
#[derive(Debug)]
struct Once {
    called: bool,
}

impl Service<()> for Once {
    type Response = ();
    type Error = &'static str;
    type Future = std::future::Ready<Result<(), &'static str>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        if self.called {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, (): ()) -> Self::Future {
        assert!(!self.called, "called unready");
        self.called = true;
        std::future::ready(Err("down"))
    }
}

#[tokio::test(start_paused = true)]
async fn an_open_circuit_answers_at_once_though_the_inner_service_is_not_ready() {
    let layer = touchy();
    let circuit = layer.handle();
    let mut service = layer.layer(Once { called: false });
    assert_eq!(
        service.ready().await.unwrap().call(()).await,
        Err(Error::Inner("down"))
    );

    assert_ready_ok!(task::spawn(service.ready()).poll());
    let wait = circuit.retry_after().unwrap();
    assert!(matches!(service.call(()).await, Err(Error::Open { .. })));

    // Found shut by `poll_ready`, due by the time of the call: the inner service was never asked.
    assert_ready_ok!(task::spawn(service.ready()).poll());
    advance(wait).await;
    let late = service.call(()).await;
    assert!(matches!(
        late,
        Err(Error::Open {
            retry_after: Duration::ZERO,
            ..
        })
    ));
    assert_eq!(circuit.state(), State::Open);

    assert_pending!(task::spawn(service.ready()).poll());
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_inner_services_readiness_passes_through() {
    #[derive(Debug)]
    struct Dead;
    impl Service<()> for Dead {
        type Response = ();
        type Error = &'static str;
        type Future = std::future::Ready<Result<(), &'static str>>;
        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
            Poll::Ready(Err("dead"))
        }
        fn call(&mut self, (): ()) -> Self::Future {
            unreachable!("never ready")
        }
    }
    let mut service = touchy().layer(Dead);
    let error = assert_ready_err!(task::spawn(service.ready()).poll());
    assert_eq!(error, Error::Inner("dead"));
}

#[tokio::test(start_paused = true)]
async fn all_services_of_a_layer_share_its_circuit_and_a_changed_layer_has_its_own() {
    let layer = CircuitBreakerLayer::new().trip(Trip::consecutive(times(1)));
    let inner = service_fn(async |()| Err::<(), _>("down"));
    let mut first = layer.layer(inner);
    let mut second = layer.clone().layer(inner);
    let mut third = second.clone();
    let mut other = layer.clone().trip(Trip::consecutive(times(1))).layer(inner);

    assert_eq!(
        first.ready().await.unwrap().call(()).await,
        Err(Error::Inner("down"))
    );
    for service in [&mut second, &mut third] {
        let refused = service.ready().await.unwrap().call(()).await;
        assert!(matches!(refused, Err(Error::Open { .. })));
    }
    assert_eq!(
        other.ready().await.unwrap().call(()).await,
        Err(Error::Inner("down"))
    );
    assert_eq!(layer.handle().rejected(), 2);
}

#[tokio::test(start_paused = true)]
async fn reset_closes_and_forgets() {
    let layer = CircuitBreakerLayer::new().trip(Trip::consecutive(times(2)));
    let mut service = Scripted::new(layer);
    service.make(End::Failure);
    service.circuit.reset();
    assert_eq!(service.failures_until_open(10), 2);
    service.circuit.reset();
    assert_eq!(service.state(), State::Closed);
    assert_eq!(service.failures_until_open(10), 2);
    assert_eq!(service.circuit.opened(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_error_tells_its_own_part_and_leads_to_the_inner_one() {
    let layer = touchy();
    let mut service = layer.layer(service_fn(async |()| {
        Err::<(), _>(std::io::Error::other("cable cut"))
    }));
    let inner = service.ready().await.unwrap().call(()).await.unwrap_err();
    assert_eq!(
        inner.to_string(),
        "the service behind the circuit breaker failed"
    );
    assert_eq!(inner.source().unwrap().to_string(), "cable cut");
    let open = service.ready().await.unwrap().call(()).await.unwrap_err();
    assert!(
        open.to_string()
            .starts_with("circuit is open (consecutive failures), retry after ")
    );
    assert!(open.source().is_none());
}
