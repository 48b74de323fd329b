//! Behaviour of the retry layer, on a paused clock.

#![allow(
    clippy::unwrap_used,
    reason = "what the scripts of the tests leave out is a failed test"
)]

mod acceptance;
mod account;
mod allocations;
mod attempts;
mod budget;
mod contract;
mod deadline;
mod hints;
#[cfg(feature = "http")]
mod http;
#[cfg(feature = "persist")]
mod journal_file;
#[cfg(feature = "metrics")]
mod metrics;
#[cfg(feature = "persist")]
mod persist;
mod properties;
#[cfg(feature = "http")]
mod replay;
mod storm;
mod upstream;
