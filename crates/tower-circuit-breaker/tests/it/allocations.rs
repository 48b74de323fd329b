//! What a call takes from the heap: nothing, in any state. And other things that show only in many
//! calls.

use std::{
    future::{Ready, ready},
    time::Duration,
};

use allocation_counter::{AllocationInfo, measure};
use tower::{Layer, Service, service_fn, util::ServiceFn};
use tower_circuit_breaker::{CircuitBreaker, CircuitBreakerLayer, Handle, State, Trip, Window};

use crate::scripted::{calls, times};

type End = Result<(), &'static str>;
type Inner = ServiceFn<fn(End) -> Ready<End>>;

struct Client {
    service: CircuitBreaker<Inner>,
    circuit: Handle,
}

impl Client {
    fn new(layer: &CircuitBreakerLayer) -> Self {
        Self {
            circuit: layer.handle(),
            service: layer.layer(service_fn(ready as fn(End) -> Ready<End>)),
        }
    }

    fn call(&mut self, end: End) {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let ready = self.service.poll_ready(&mut context);
        assert!(ready.is_ready());
        let result = std::pin::pin!(self.service.call(end)).poll(&mut context);
        assert!(result.is_ready());
    }
}

fn taken(run: impl FnOnce()) -> u64 {
    let AllocationInfo { count_total, .. } = measure(run);
    count_total
}

fn rules() -> Trip {
    let slow = Duration::from_secs(1);
    Trip::failure_rate(0.9, Window::Calls(calls(10)))
        .and_then(|trip| trip.or_slow_rate(slow, 0.9, Window::Time(slow)))
        .expect("rates")
        .or_consecutive(times(5))
}

// With the feature, a refusal and a change of state allocate the labels of their metrics.
#[cfg(not(feature = "metrics"))]
#[tokio::test(start_paused = true)]
async fn nothing_is_allocated_by_refusals_and_changes_of_state() {
    let layer = CircuitBreakerLayer::new()
        .trip(rules())
        .open_for(Duration::ZERO, Duration::ZERO);
    let mut client = Client::new(&layer);
    (0..4).for_each(|_| client.call(Err("down")));
    let opened = taken(|| client.call(Err("down")));
    assert_eq!((opened, client.circuit.state()), (0, State::Open));

    assert_eq!(taken(|| (0..100).for_each(|_| client.call(Ok(())))), 0);
    assert_eq!(client.circuit.rejected(), 100);

    tokio::time::advance(Duration::from_millis(1)).await;
    let probes = taken(|| (0..3).for_each(|_| client.call(Ok(()))));
    assert_eq!((probes, client.circuit.state()), (0, State::Closed));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_allocated_by_results() {
    let mut client = Client::new(&CircuitBreakerLayer::new().trip(rules()));
    let closed = taken(|| {
        (0..100).for_each(|_| client.call(Ok(())));
        (0..4).for_each(|_| client.call(Err("down")));
    });
    assert_eq!((closed, client.circuit.state()), (0, State::Closed));
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_cycles_of_all_states_leave_nothing_behind() {
    let layer = CircuitBreakerLayer::new()
        .trip(Trip::consecutive(times(1)))
        .open_for(Duration::ZERO, Duration::ZERO)
        .probes(calls(1));
    let mut client = Client::new(&layer);
    let mut left = 0;
    for _ in 0..10_000 {
        left += measure(|| client.call(Err("down"))).bytes_current;
        tokio::time::advance(Duration::from_millis(1)).await;
        left += measure(|| client.call(Ok(()))).bytes_current;
        assert_eq!(client.circuit.state(), State::Closed);
    }
    assert_eq!(left, 0);
}

#[tokio::test(start_paused = true)]
async fn after_a_million_successes_half_of_the_window_opens() {
    let half = Trip::failure_rate(0.5, Window::Calls(calls(100))).expect("a rate");
    let mut client = Client::new(&CircuitBreakerLayer::new().trip(half));
    (0..1_000_000).for_each(|_| client.call(Ok(())));
    (0..49).for_each(|_| client.call(Err("down")));
    assert_eq!(client.circuit.state(), State::Closed);
    client.call(Err("down"));
    assert_eq!(client.circuit.state(), State::Open);
}
