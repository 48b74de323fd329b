//! A request that failed goes to another endpoint.

pub(crate) mod future;
mod repeat;
mod service;

pub use self::{repeat::Repeat, service::Failover};
