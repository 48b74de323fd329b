//! Behaviour of the circuit breaker, on a paused clock.

mod acceptance;
mod allocations;
#[cfg(feature = "http")]
mod body;
mod bounds;
mod closed;
mod contract;
mod handle;
#[cfg(feature = "http")]
mod http_status;
mod keyed;
mod late;
#[cfg(feature = "metrics")]
mod metrics;
mod open;
mod probes;
mod properties;
mod ramp;
mod saved;
mod scripted;
mod slow;
mod split;
mod storm;
mod threads;
mod time_window;
mod unfinished;
mod waiting;
