use std::{
    num::NonZeroU16,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use failsafe::{backoff, failure_policy, futures::CircuitBreaker as _};
use recloser::{AsyncRecloser, Recloser};
use tower::{Layer, Service, ServiceExt};
use tower_circuit_breaker::{CircuitBreakerLayer, OnCancel, Trip, Window};
use tower_resilience_circuitbreaker::SlidingWindowType;

/// What a call does once it is let through.
pub(crate) struct Work(Pin<Box<dyn Future<Output = Result<(), ()>> + Send>>);

impl Work {
    pub(crate) fn new(work: impl Future<Output = Result<(), ()>> + Send + 'static) -> Self {
        Self(Box::pin(work))
    }
}

impl Future for Work {
    type Output = Result<(), ()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

pub(crate) type Call = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// The service inside of the layers.
#[derive(Clone, Copy, Debug)]
struct Worker;

impl Service<Work> for Worker {
    type Response = ();
    type Error = ();
    type Future = Work;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, work: Work) -> Work {
        work
    }
}

/// One circuit; every call goes through the same.
pub(crate) type Breaker = Arc<dyn Fn(Work) -> Call + Send + Sync>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed,
    Failed,
    Refused,
}

impl Outcome {
    fn of(result: Result<(), ()>) -> Self {
        result.map_or(Self::Failed, |()| Self::Passed)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Ours,
    TowerResilience,
    Recloser,
    Failsafe,
}

/// Opens at half of the window, for [`OPEN`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    pub(crate) calls: u16,
    /// Instead of a number of calls; then `calls` is the least that counts.
    pub(crate) time: Option<Duration>,
    pub(crate) slow: Option<Duration>,
    pub(crate) probes: u16,
    /// Whether dropped calls count as failures, where that can be set.
    pub(crate) cancelled_fail: bool,
}

pub(crate) const OPEN: Duration = Duration::from_millis(60);

pub(crate) const SETUP: Setup = Setup {
    calls: 10,
    time: None,
    slow: None,
    probes: 3,
    cancelled_fail: false,
};

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ours => "tower-circuit-breaker",
            Self::TowerResilience => "tower-resilience-circuitbreaker 0.14",
            Self::Recloser => "recloser 1.4",
            Self::Failsafe => "failsafe 1.3",
        }
    }

    /// `None` if it has no such setting.
    pub(crate) fn make(self, setup: Setup) -> Option<Breaker> {
        match self {
            Self::Ours => Some(ours(setup)),
            Self::TowerResilience => Some(tower_resilience(setup)),
            Self::Recloser if setup.time.is_none() && setup.slow.is_none() => Some(recloser(setup)),
            Self::Failsafe if setup.slow.is_none() => Some(failsafe(setup)),
            Self::Recloser | Self::Failsafe => None,
        }
    }
}

fn positive(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).expect("no setup has a zero")
}

fn ours(setup: Setup) -> Breaker {
    let window = match setup.time {
        None => Window::Calls(positive(setup.calls)),
        Some(time) => Window::Time(time),
    };
    let mut trip = Trip::failure_rate(0.5, window).expect("a rate");
    if let Some(slow) = setup.slow {
        trip = trip.or_slow_rate(slow, 0.5, window).expect("a rate");
    }
    let service = CircuitBreakerLayer::new()
        .trip(trip.min_calls(setup.calls.into()))
        .open_for(OPEN, OPEN)
        .probes(positive(setup.probes))
        .probe_lease(OPEN)
        .on_cancel(if setup.cancelled_fail {
            OnCancel::Failure
        } else {
            OnCancel::FailureIfSlow
        })
        .layer(Worker);
    Arc::new(move |work| {
        let call = service.clone().oneshot(work);
        Box::pin(async {
            match call.await {
                Err(tower_circuit_breaker::Error::Open { .. }) => Outcome::Refused,
                other => Outcome::of(other.map_err(drop)),
            }
        })
    })
}

fn tower_resilience(setup: Setup) -> Breaker {
    let builder = tower_resilience_circuitbreaker::CircuitBreakerLayer::builder()
        .failure_rate_threshold(0.5)
        .sliding_window_size(setup.calls.into())
        .minimum_number_of_calls(setup.calls.into())
        .wait_duration_in_open(OPEN)
        .permitted_calls_in_half_open(setup.probes.into());
    let builder = match setup.time {
        None => builder,
        Some(time) => builder
            .sliding_window_type(SlidingWindowType::TimeBased)
            .sliding_window_duration(time),
    };
    let builder = match setup.slow {
        None => builder,
        Some(slow) => builder
            .slow_call_duration_threshold(slow)
            .slow_call_rate_threshold(0.5),
    };
    let layer = builder.build().expect("the settings are legal");
    let service = layer.layer(Worker);
    Arc::new(move |work| {
        let call = service.clone().oneshot(work);
        Box::pin(async {
            match call.await {
                Err(tower_resilience_circuitbreaker::CircuitBreakerError::OpenCircuit) => {
                    Outcome::Refused
                }
                other => Outcome::of(other.map_err(drop)),
            }
        })
    })
}

fn recloser(setup: Setup) -> Breaker {
    let breaker = Recloser::custom()
        .error_rate(0.5)
        .closed_len(setup.calls.into())
        .half_open_len(setup.probes.into())
        .open_wait(OPEN)
        .build();
    let breaker = AsyncRecloser::from(breaker);
    Arc::new(move |work| {
        let call = breaker.call(work);
        Box::pin(async {
            match call.await {
                Err(recloser::Error::Rejected) => Outcome::Refused,
                other => Outcome::of(other.map_err(drop)),
            }
        })
    })
}

fn failsafe(setup: Setup) -> Breaker {
    let window = setup.time.unwrap_or(Duration::from_secs(30));
    let rate = failure_policy::success_rate_over_time_window(
        0.5,
        setup.calls.into(),
        window,
        backoff::constant(OPEN),
    );
    let breaker = failsafe::Config::new().failure_policy(rate).build();
    Arc::new(move |work| {
        let call = breaker.call(work);
        Box::pin(async {
            match call.await {
                Err(failsafe::Error::Rejected) => Outcome::Refused,
                other => Outcome::of(other.map_err(drop)),
            }
        })
    })
}
