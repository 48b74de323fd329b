//! The layer from outside, with recorders that remember.

#![allow(clippy::unwrap_used, reason = "a test stops at whatever is wrong")]

mod contract;
mod end;
mod hyper;
mod labels;
mod prometheus;
mod properties;
mod recorder;
mod routes;
mod scripted;
mod series;
