//! The organization API as a program: the server stack of `codegen-api` over the database of
//! `codegen-store`, with the agents of `codegen-agents` at work on the runs.
//!
//! This is the only place that sees all of them. `main.rs` is the command line; the library is
//! there for programs that bring the server along, as the quickstart and the tests do.

mod agents;
mod arguments;
mod demo;
mod running;

pub use arguments::{Arguments, Command, Repository};
pub use demo::Demo;
pub use running::{RunningServer, StartError, start};
