//! The commands as one types them, and the servers that `cargo xtask test` starts.

#![allow(clippy::unwrap_used, reason = "a test stops at whatever is wrong")]

mod catalogue;
mod command_line;
mod servers;
