//! The balancer from outside.

mod allocations;
mod backend;
mod contract;
mod down;
mod drain;
mod ejection;
mod failover;
mod fallback;
mod hash;
#[cfg(feature = "http")]
mod http;
mod kill;
#[cfg(feature = "metrics")]
mod metrics;
mod model;
mod probes;
mod slow_start;
mod spread;
#[cfg(feature = "tcp")]
mod tcp;
mod threads;
