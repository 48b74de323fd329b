//! What a caller sees is tested on a file and in memory; the rest on what it is about.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod faults;
mod house;
mod leases;
mod opening;
mod pages;
mod plans;
mod processes;
mod runs;
mod tenants;
mod tokens;
