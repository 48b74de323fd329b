use std::{num::NonZeroU16, time::Duration};

use crate::{Trip, Verdict, open_time::OpenTime, state::Rules};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) trip: Trip,
    pub(crate) rules: Rules,
    pub(crate) on_cancel: OnCancel,
    pub(crate) on_panic: Verdict,
    pub(crate) when_open: WhenOpen,
    pub(crate) name: Option<&'static str>,
    pub(crate) jitter_seed: Option<u64>,
}

/// What it says about the service when a call is dropped before it ended, by its caller or by a
/// timeout outside of the breaker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OnCancel {
    /// Nothing, as [`Verdict::Ignore`].
    Ignore,
    /// It is a failure.
    Failure,
    /// It is a failure if the call had been running for as long as the [slow-call
    /// rule](Trip::slow_rate) allows, else nothing. Without such a rule it is always nothing.
    #[default]
    FailureIfSlow,
}

/// What a service does while its circuit refuses calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WhenOpen {
    /// It is ready, and its calls end with [`Error::Open`](crate::Error::Open).
    #[default]
    Reject,
    /// It is not ready until a call may pass.
    ///
    /// For a caller that can wait, or that asks another service meanwhile. It is a hint only:
    /// several services can become ready for the one probe that is free, and the calls that come
    /// too late are refused all the same. Waiting allocates, and needs a tokio runtime with its
    /// timer.
    Wait,
}

const OPEN_BASE: Duration = Duration::from_secs(5);
const OPEN_CAP: Duration = Duration::from_secs(120);
const PROBES: NonZeroU16 = NonZeroU16::new(3).unwrap();
const LEASE: u64 = 30_000;

impl Default for Settings {
    fn default() -> Self {
        Self {
            trip: Trip::default(),
            rules: Rules {
                probes: PROBES,
                lease: LEASE,
                open_time: OpenTime::new(OPEN_BASE, OPEN_CAP),
                ramp: 0,
            },
            on_cancel: OnCancel::default(),
            on_panic: Verdict::Failure,
            when_open: WhenOpen::default(),
            name: None,
            jitter_seed: None,
        }
    }
}
