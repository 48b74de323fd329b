//! The HTTP cache and the memo as their callers see them.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

#[cfg(feature = "http")]
mod answers;
#[cfg(feature = "http")]
mod bodies;
#[cfg(feature = "http")]
mod contract;
#[cfg(feature = "http")]
mod failing_store;
#[cfg(feature = "http")]
mod flights;
#[cfg(feature = "http")]
mod invalidation;
#[cfg(feature = "http")]
mod keys;
mod memo;
#[cfg(feature = "http")]
mod memory_store;
#[cfg(feature = "http")]
mod origin;
#[cfg(feature = "http")]
mod properties;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "http")]
mod stale;
#[cfg(feature = "http")]
mod validation;
