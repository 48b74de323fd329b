use std::{num::NonZeroUsize, time::Duration};

use tokio::time::advance;
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_circuit_breaker::{CircuitBreakerLayer, Error, State, Trip};

use crate::scripted::times;

type Request = (u32, bool);

fn layer() -> CircuitBreakerLayer {
    CircuitBreakerLayer::new().trip(Trip::consecutive(times(1)))
}

fn at_most(keys: usize) -> NonZeroUsize {
    NonZeroUsize::new(keys).expect("not zero")
}

async fn answer((key, works): Request) -> Result<u32, u32> {
    if works { Ok(key) } else { Err(key) }
}

fn key_of(request: &Request) -> u32 {
    request.0
}

#[tokio::test(start_paused = true)]
async fn every_key_has_a_circuit_of_its_own_that_all_services_share() {
    let layer = layer().per_key(key_of, at_most(10));
    let (mut first, mut second) = (
        layer.layer(service_fn(answer)),
        layer.clone().layer(service_fn(answer)),
    );
    assert_eq!(
        first.ready().await.unwrap().call((1, false)).await,
        Err(Error::Inner(1))
    );
    for service in [&mut second, &mut first] {
        let refused = service.ready().await.unwrap().call((1, true)).await;
        assert!(matches!(refused, Err(Error::Open { .. })));
        assert_eq!(service.ready().await.unwrap().call((2, true)).await, Ok(2));
    }
    let circuits = layer.handle();
    assert_eq!(circuits.get(&1).unwrap().rejected(), 2);
    assert_eq!(circuits.get(&2).unwrap().state(), State::Closed);
    assert!(circuits.get(&3).is_none());
    assert_eq!(circuits.keys(), 2);
}

#[tokio::test(start_paused = true)]
async fn keys_without_end_are_bounded_and_open_circuits_outlive_closed_ones() {
    let layer = layer().per_key(key_of, at_most(10));
    let circuits = layer.handle();
    let mut service = layer.layer(service_fn(answer));
    let _ = service.ready().await.unwrap().call((0, false)).await;
    for key in 1..1_000 {
        advance(Duration::from_millis(1)).await;
        assert_eq!(
            service.ready().await.unwrap().call((key, true)).await,
            Ok(key)
        );
        assert!(circuits.keys() <= 10);
    }
    assert_eq!(circuits.get(&0).unwrap().state(), State::Open);
    assert!(circuits.get(&999).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_idle_is_forgotten_while_there_is_room() {
    let layer = layer()
        .per_key(key_of, at_most(1_000))
        .idle_after(Duration::from_secs(60));
    let circuits = layer.handle();
    let mut service = layer.layer(service_fn(answer));
    for key in 0..3 {
        let _ = service.ready().await.unwrap().call((key, false)).await;
    }
    circuits.get(&2).unwrap().isolate();
    advance(Duration::from_secs(60)).await;
    let _ = service.ready().await.unwrap().call((9, true)).await;
    let kept: Vec<u32> = (0..10).filter(|key| circuits.get(key).is_some()).collect();
    assert_eq!(kept, [2, 9]);
}

#[tokio::test(start_paused = true)]
async fn a_circuit_can_be_isolated_before_its_first_call() {
    let layer = layer().per_key(key_of, at_most(10));
    layer.handle().get_or_make(5).isolate();
    let mut service = layer.layer(service_fn(answer));
    let refused = service.ready().await.unwrap().call((5, true)).await;
    assert!(matches!(refused, Err(Error::Open { .. })));
}

#[tokio::test(start_paused = true)]
async fn calls_of_a_forgotten_key_end_as_they_would() {
    let layer = layer().per_key(key_of, at_most(1));
    let mut service = layer.layer(service_fn(answer));
    let old = service.ready().await.unwrap().call((1, false));
    assert_eq!(service.ready().await.unwrap().call((2, true)).await, Ok(2));
    assert_eq!(old.await, Err(Error::Inner(1)));
    assert_eq!(service.ready().await.unwrap().call((1, true)).await, Ok(1));
}
