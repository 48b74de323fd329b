//! The layer from outside, with recorders that remember.

#![allow(clippy::unwrap_used, reason = "a test stops at whatever is wrong")]

mod allocations;
mod contract;
mod end;
mod extras;
mod grpc;
mod hyper;
mod labels;
mod prometheus;
mod properties;
mod recorder;
mod routes;
mod scripted;
mod series;
mod stats;
