//! Behaviour of the circuit breaker, on a paused clock.

mod bounds;
mod closed;
mod contract;
#[cfg(feature = "http")]
mod http_status;
mod late;
mod open;
mod probes;
mod properties;
mod scripted;
mod threads;
mod unfinished;
