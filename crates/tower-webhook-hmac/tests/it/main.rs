//! Behaviour of the crate as its users see it.

#![allow(clippy::unwrap_used, reason = "what surprises a test shall end it")]

mod bare_hyper;
mod contract;
#[cfg(feature = "axum")]
mod extractor;
mod keys;
mod limits;
mod passing;
mod properties;
mod readiness;
#[cfg(feature = "redis")]
mod redis;
mod replay;
mod requests;
mod schemes;
mod script;
mod secrecy;
mod vectors;
