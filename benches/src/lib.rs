//! What the benches share: a clock that other programs on the machine do not slow down, a call
//! without a runtime, and two threads that really run at once.

mod threads;

use std::{
    future::Future,
    hint::black_box,
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use criterion::{
    Criterion,
    measurement::{Measurement, ValueFormatter, WallTime},
};
use rustix::time::{ClockId, clock_gettime};
use tower_service::Service;

pub use self::threads::side_by_side;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// The CPU time of the measuring thread: what it waited for a core does not count. Nor does what
/// other threads do for it, so it is for benches that stay on one thread.
#[derive(Debug)]
pub struct ThreadTime;

/// Criterion in thread time, with samples few enough for a whole file of them in a minute.
#[must_use]
pub fn criterion() -> Criterion<ThreadTime> {
    Criterion::default()
        .with_measurement(ThreadTime)
        .sample_size(40)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(1500))
        .configure_from_args()
}

/// Readies and calls a service that is always ready and answers when first polled, so that the
/// figures contain no runtime.
///
/// Service and future lie in memory that the compiler knows nothing of, as they do in a server;
/// otherwise whole layers vanish from a program that only does nothing.
///
/// # Panics
///
/// When it is not that.
pub fn call<S: Service<R>, R>(service: &mut S, request: R) {
    let mut context = Context::from_waker(Waker::noop());
    let service = black_box(service);
    let ready = service.poll_ready(&mut context);
    assert!(matches!(ready, Poll::Ready(Ok(()))), "not ready");
    let mut future = pin!(service.call(black_box(request)));
    let answer = black_box(future.as_mut()).poll(&mut context);
    assert!(black_box(answer).is_ready(), "no answer yet");
}

/// The time of [`ThreadTime`] that something takes.
pub fn spent(run: impl FnOnce()) -> Duration {
    let start = now();
    run();
    now().saturating_sub(start)
}

impl Measurement for ThreadTime {
    type Intermediate = Duration;
    type Value = Duration;

    fn start(&self) -> Duration {
        now()
    }

    fn end(&self, start: Duration) -> Duration {
        now().saturating_sub(start)
    }

    fn add(&self, one: &Duration, other: &Duration) -> Duration {
        *one + *other
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        WallTime.to_f64(value)
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}

fn now() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    // The kernel counts it up from zero.
    Duration::try_from(time).unwrap_or_default()
}
