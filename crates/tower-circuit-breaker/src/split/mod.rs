//! The breaker in two halves, for a stack with something between them that waits.

mod admitted;
mod gate;
mod observe;

pub use self::{
    admitted::Admitted,
    gate::{Gate, GateFuture, GateLayer},
    observe::{Observe, ObserveLayer},
};
