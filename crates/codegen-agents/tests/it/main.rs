//! Behaviour of the runner and of the built-in providers.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

#[cfg(unix)]
mod command;
mod memory;
mod properties;
mod runner;
mod runner_faults;
mod search;
mod tree;
