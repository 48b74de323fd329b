//! The program as its users run it, against the server of the workspace.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod commands;
mod scene;
mod waiting;
