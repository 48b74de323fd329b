//! Behaviour of the crate as its users see it.

#![allow(clippy::unwrap_used, reason = "what surprises a test shall end it")]

mod addresses;
mod api_keys;
mod cache;
mod contract;
mod headers;
mod matrix;
#[cfg(feature = "metrics")]
mod metrics;
mod properties;
#[cfg(feature = "jwt")]
mod remote_keys;
mod script;
mod secrecy;
#[cfg(feature = "jwt")]
mod tokens;
