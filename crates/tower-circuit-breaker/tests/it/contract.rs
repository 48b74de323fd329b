use std::{
    num::NonZeroUsize,
    task::{Context, Poll},
};

use tower::{Layer, Service, ServiceExt};
use tower_circuit_breaker::{
    CircuitBreaker, CircuitBreakerLayer, Error, FailOnError, Gate, Handle, KeyedCircuitBreaker,
    Observe, State, WhenOpen, future::ResponseFuture,
};
use tower_conformance::{Answer, Control, Failure, Probe, Subject, Violations, check};

use crate::scripted::{calls, touchy};

/// A breaker and the view on its circuit.
#[derive(Clone)]
struct Watched {
    breaker: CircuitBreaker<Probe<()>>,
    circuit: Handle,
}

impl Watched {
    fn new(layer: &CircuitBreakerLayer, inner: Probe<()>) -> Self {
        Self {
            breaker: layer.layer(inner),
            circuit: layer.handle(),
        }
    }

    /// The slots of a half-open circuit with one probe that are taken.
    fn held(&self) -> usize {
        let taken = self
            .circuit
            .retry_after()
            .is_some_and(|wait| !wait.is_zero());
        usize::from(self.circuit.state() == State::HalfOpen && taken)
    }

    async fn open(&mut self, inner: &Control) {
        inner.answer_once(Answer::Fails);
        let failed = self.ready().await.expect("ready").call(()).await;
        assert!(matches!(failed, Err(Error::Inner(_))));
        assert_eq!(self.circuit.state(), State::Open);
    }
}

impl Service<()> for Watched {
    type Response = ();
    type Error = Error<Failure>;
    type Future = ResponseFuture<<Probe<()> as Service<()>>::Future, FailOnError>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Service::<()>::poll_ready(&mut self.breaker, cx)
    }

    fn call(&mut self, (): ()) -> Self::Future {
        self.breaker.call(())
    }
}

struct Closed;

impl Subject for Closed {
    type Request = ();
    type Response = ();
    type Service = Watched;

    fn service(&self, inner: Probe<()>) -> Watched {
        Watched::new(&CircuitBreakerLayer::new(), inner)
    }

    fn request(&self) {}

    fn response() {}
}

struct Open;

impl Subject for Open {
    type Request = ();
    type Response = ();
    type Service = Watched;
    const REACHES_INNER: bool = false;

    fn service(&self, inner: Probe<()>) -> Watched {
        Watched::new(&touchy(), inner)
    }

    fn request(&self) {}

    fn response() {}

    async fn prepare(&self, service: &mut Watched, inner: &Control) {
        service.open(inner).await;
    }
}

struct HalfOpen;

impl Subject for HalfOpen {
    type Request = ();
    type Response = ();
    type Service = Watched;

    fn service(&self, inner: Probe<()>) -> Watched {
        Watched::new(&touchy().probes(calls(1)), inner)
    }

    fn request(&self) {}

    fn response() {}

    fn held(&self, service: &Watched) -> usize {
        service.held()
    }

    async fn prepare(&self, service: &mut Watched, inner: &Control) {
        service.open(inner).await;
        tokio::time::advance(service.circuit.retry_after().expect("open")).await;
    }
}

/// Half-open, and not ready when its probe is taken.
struct Waiting;

impl Subject for Waiting {
    type Request = ();
    type Response = ();
    type Service = Watched;

    fn service(&self, inner: Probe<()>) -> Watched {
        Watched::new(&touchy().when_open(WhenOpen::Wait), inner)
    }

    fn request(&self) {}

    fn response() {}

    async fn prepare(&self, service: &mut Watched, inner: &Control) {
        service.open(inner).await;
        tokio::time::advance(service.circuit.retry_after().expect("open")).await;
    }
}

struct Halves;

impl Subject for Halves {
    type Request = ();
    type Response = ();
    type Service = Gate<Observe<Probe<()>, FailOnError>>;

    fn service(&self, inner: Probe<()>) -> Self::Service {
        let (gate, observe) = CircuitBreakerLayer::new().split();
        gate.layer(observe.layer(inner))
    }

    fn request(&self) {}

    fn response() {}
}

struct Keyed;

impl Subject for Keyed {
    type Request = ();
    type Response = ();
    type Service = KeyedCircuitBreaker<Probe<()>, fn(&()), (), FailOnError>;

    fn service(&self, inner: Probe<()>) -> Self::Service {
        let key: fn(&()) = |()| ();
        let layer = CircuitBreakerLayer::new().per_key(key, NonZeroUsize::MIN);
        layer.layer(inner)
    }

    fn request(&self) {}

    fn response() {}
}

#[cfg(feature = "http")]
struct Bodies;

#[cfg(feature = "http")]
impl Subject for Bodies {
    type Request = ();
    type Response = http::Response<String>;
    type Service = tower_circuit_breaker::BodyAware<
        Probe<http::Response<String>>,
        tower_circuit_breaker::HttpStatus,
    >;

    fn service(&self, inner: Probe<http::Response<String>>) -> Self::Service {
        let layer = CircuitBreakerLayer::new().classify(tower_circuit_breaker::HttpStatus);
        layer.until_body_end().layer(inner)
    }

    fn request(&self) {}

    fn response() -> http::Response<String> {
        http::Response::new(String::from("hello"))
    }
}

#[tokio::test(start_paused = true)]
async fn a_circuit_that_lets_its_callers_wait_keeps_the_laws_of_service() -> Result<(), Violations>
{
    check(&Waiting).await
}

#[tokio::test(start_paused = true)]
async fn the_two_halves_keep_the_laws_of_service() -> Result<(), Violations> {
    check(&Halves).await
}

#[tokio::test(start_paused = true)]
async fn circuits_by_key_keep_the_laws_of_service() -> Result<(), Violations> {
    check(&Keyed).await
}

#[cfg(feature = "http")]
#[tokio::test(start_paused = true)]
async fn a_circuit_that_watches_bodies_keeps_the_laws_of_service() -> Result<(), Violations> {
    check(&Bodies).await
}

#[tokio::test(start_paused = true)]
async fn a_closed_circuit_keeps_the_laws_of_service() -> Result<(), Violations> {
    check(&Closed).await
}

#[tokio::test(start_paused = true)]
async fn an_open_circuit_keeps_the_laws_of_service() -> Result<(), Violations> {
    check(&Open).await
}

#[tokio::test(start_paused = true)]
async fn a_half_open_circuit_keeps_the_laws_of_service() -> Result<(), Violations> {
    check(&HalfOpen).await
}
