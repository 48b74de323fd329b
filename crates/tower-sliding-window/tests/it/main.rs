//! What the limiter promises, through its public interface.

#![allow(clippy::unwrap_used, reason = "a helper that panics fails its test")]

mod algorithms;
mod allocations;
mod billing;
#[cfg(all(feature = "coarse-clock", target_os = "linux"))]
mod coarse;
mod contract;
mod cost;
mod fixed;
#[cfg(feature = "http")]
mod http;
#[cfg(feature = "http")]
mod http_keys;
#[cfg(feature = "metrics")]
mod metrics;
mod operations;
mod oracle;
#[cfg(feature = "http")]
mod pacing;
mod properties;
mod quotas;
#[cfg(feature = "redis")]
mod redis;
mod reject;
mod remote;
mod shadow;
mod store;
mod traces;
mod wait;
mod wait_orders;
