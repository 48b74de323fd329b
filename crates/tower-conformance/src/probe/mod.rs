//! The instrumented inner service.

mod control;
mod failure;
mod future;
mod service;
mod shared;

pub(crate) use self::shared::ScriptedPanic;
pub use self::{
    control::{Answer, Control, Ledger, Readiness},
    failure::Failure,
    future::ResponseFuture,
    service::Probe,
};
