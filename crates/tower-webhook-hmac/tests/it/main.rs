//! Behaviour of the crate as its users see it.

#![allow(clippy::unwrap_used, reason = "what surprises a test shall end it")]

mod bare_hyper;
mod contract;
mod limits;
mod properties;
mod readiness;
mod requests;
mod script;
mod secrecy;
mod vectors;
