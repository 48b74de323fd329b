//! The server as an operator meets it: the built program, its signals, its files and its faults,
//! driven by the client.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod agents;
mod announcement;
mod crashes;
mod database;
mod full_disk;
mod observation;
mod process;
mod refusals;
mod signals;
