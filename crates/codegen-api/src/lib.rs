//! Client and server of the Codegen developer API, composed from tower layers.
//!
//! Organizations own agent runs, repositories and keys under `/v1/organizations/{org_id}/*`. This
//! crate knows that contract and nothing else: the behaviour (limits, retries, caching, circuit
//! breaking, signatures, metrics) comes from layer crates that know requests and time only.
//!
//! | feature | gives |
//! |---|---|
//! | `client` | [`client`]: operations as types over a stack of layers |
//! | `server` | [`server`]: the same contract as routes over any store |
//!
//! Both are off by default. [`model`] holds the wire types that both speak.

pub mod model;

#[cfg(feature = "client")]
pub mod client;
#[cfg(any(feature = "client", feature = "server"))]
pub mod config;
#[cfg(feature = "server")]
pub mod server;

#[cfg(all(doctest, feature = "client"))]
#[doc = include_str!("../README.md")]
struct Readme;

// The workspace's README, whose examples need a layer, hyper and the client: all of them are here.
#[cfg(all(doctest, feature = "client", feature = "server"))]
#[doc = include_str!("../../../README.md")]
struct WorkspaceReadme;
