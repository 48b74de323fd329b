//! Client and server as their callers see them.

mod client;
mod script;
