//! The HTTP cache as its callers see it.

#![cfg(feature = "http")]
#![allow(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

mod answers;
mod bodies;
mod contract;
mod failing_store;
mod flights;
mod invalidation;
mod keys;
mod memory_store;
mod origin;
mod properties;
mod stale;
mod validation;
