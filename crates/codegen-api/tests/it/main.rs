//! Client and server as their callers see them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod client;
mod script;
mod server;
