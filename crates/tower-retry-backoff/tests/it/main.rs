//! Behaviour of the retry layer, on a paused clock.

#![allow(
    clippy::unwrap_used,
    reason = "what the scripts of the tests leave out is a failed test"
)]

mod attempts;
mod contract;
mod deadline;
mod hints;
#[cfg(feature = "http")]
mod http;
mod properties;
mod upstream;
