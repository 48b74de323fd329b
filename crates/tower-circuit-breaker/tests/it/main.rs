//! Behaviour of the circuit breaker, on a paused clock.

mod bounds;
mod closed;
mod contract;
mod half_open;
#[cfg(feature = "http")]
mod http_status;
mod late;
mod open;
mod properties;
mod scripted;
mod threads;
mod unfinished;
