//! The server: the wire contract as axum routes over any [`Store`], under one stack of layers.
//!
//! ```text
//!                       request                        answer
//!                          │                              ▲
//!  ┌─ request id, trace ───▼──────────────────────────────┴──────────────────────────┐
//!  │ ┌─ panic guard ───────────────────────────────────────────────────────────────┐ │
//!  │ │ ┌─ request metrics ───────────────────────────────────────────────────────┐ │ │
//!  │ │ │ ┌─ error envelope, /api/v1 as /v1 ────────────────────────────────────┐ │ │ │
//!  │ │ │ │ /v1/health  /v1/stats  /metrics  /webhooks/github (bounded, signed) │ │ │ │
//!  │ │ │ │ ┌─ load shed, deadline ───────────────────────────────────────────┐ │ │ │ │
//!  │ │ │ │ │ ┌─ authentication ────────────────────────────────────────────┐ │ │ │ │ │
//!  │ │ │ │ │ │ ┌─ limiter: organization, user, tier ─────────────────────┐ │ │ │ │ │ │
//!  │ │ │ │ │ │ │ ┌─ permission ────────────────────────────────────────┐ │ │ │ │ │ │ │
//!  │ │ │ │ │ │ │ │ ┌─ cache, per credential ─────────────────────────┐ │ │ │ │ │ │ │ │
//!  │ │ │ │ │ │ │ │ │                    handler                      │ │ │ │ │ │ │ │ │
//!  └─┴─┴─┴─┴─┴─┴─┴─┴─────────────────────────────────────────────────┴─┴─┴─┴─┴─┴─┴─┴─┘
//! ```
//!
//! Why each layer stands where it does is written beside the line that puts it there, in
//! [`app`].

mod authentication;
mod error;
mod extract;
mod health;
mod limits;
mod lingering;
mod permission;
mod principal;
mod routes;
mod serve;
mod stack;
mod store;
mod webhooks;

pub use crate::config::ServerConfig;
pub use principal::{OrgScope, Principal, Role, TokenDigest};
pub use serve::serve;
pub use stack::{ServerError, app};
pub use store::{CreateRun, Delivery, Listing, ResumeRun, RunFilter, Store, StoreError, Window};
