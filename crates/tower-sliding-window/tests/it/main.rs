//! What the limiter promises, through its public interface.

#![allow(clippy::unwrap_used, reason = "a helper that panics fails its test")]

mod contract;
#[cfg(feature = "http")]
mod http;
mod oracle;
mod properties;
mod reject;
mod remote;
mod store;
mod wait;
