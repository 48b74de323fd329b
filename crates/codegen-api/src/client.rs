//! The client: operations as types over a stack of layers.
//!
//! ```no_run
//! use std::time::Duration;
//! use codegen_api::client::Client;
//!
//! # async fn run() -> Result<(), codegen_api::client::Error> {
//! let client = Client::from_env()?;
//! let me = client.current_user().send().await?;
//! let run = client.create_run(1, "Where is the retry delay decided?").send().await?;
//! let run = client.wait_for_completion(1, run.id).timeout(Duration::from_secs(300)).send().await?;
//! println!("{}: {}", me.github_username, run.result.unwrap_or_default());
//! # Ok(())
//! # }
//! ```
//!
//! # The stack
//!
//! ```text
//!                        operation                         answer
//!                            │                                ▲
//!  ┌─ operation metrics, trace ───────────────────────────────┴──────┐
//!  │ ┌─ deadline: no attempt, no wait and no sleep passes it ──────┐ │
//!  │ │ ┌─ cache: fresh answers to GET ───────────────────────────┐ │ │
//!  │ │ │ ┌─ retry: full jitter, Retry-After, budget ───────────┐ │ │ │
//!  │ │ │ │ ┌─ circuit breaker ───────────────────────────────┐ │ │ │ │
//!  │ │ │ │ │ ┌─ limiter: waits its turn ───────────────────┐ │ │ │ │ │
//!  │ │ │ │ │ │ ┌─ attempt metrics ───────────────────────┐ │ │ │ │ │ │
//!  │ │ │ │ │ │ │ ┌─ attempt timeout ───────────────────┐ │ │ │ │ │ │ │
//!  │ │ │ │ │ │ │ │ ┌─ token, user agent, attempt ────┐ │ │ │ │ │ │ │ │
//!  │ │ │ │ │ │ │ │ │  transport: hyper, pooled, TLS  │ │ │ │ │ │ │ │ │
//!  └─┴─┴─┴─┴─┴─┴─┴─┴─────────────────────────────────┴─┴─┴─┴─┴─┴─┴─┴─┘
//! ```
//!
//! Why each layer stands where it does is written beside the line that puts it there, in
//! `client/stack.rs`.
//!
//! # Cost
//!
//! One box per call, at the outside of the stack. Answers are read whole, up to 16 MiB, before
//! they leave the transport: an answer that breaks off is a failed attempt, and counts as one for
//! the retry and the breaker.

mod call;
mod error;
mod evidence;
mod operation;
mod operations;
mod pages;
mod stack;
mod statistics;
mod transport;
mod wait;

use std::sync::Arc;

pub use call::{Call, Raw};
pub use error::{Error, ErrorKind, FieldError};
pub use operation::{Operation, Query};
pub use operations::{
    CreateRun, CurrentUser, GetRun, GetRunLogs, GetUser, Health, HealthStatus, ListOrganizations,
    ListRepositories, ListRuns, ListUsers, ResumeRun,
};
pub use pages::{Paged, Pages};
pub use statistics::Statistics;
pub use wait::Wait;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use stack::Stack;
use statistics::Handles;
use tower::{BoxError, Service, ServiceExt};
use transport::TransportError;

use crate::config::{ClientConfig, ConfigError};

/// A client of the developer API.
///
/// Clones are cheap and share everything: connections, cache, limiter, breaker and statistics.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

struct Shared {
    stack: Stack,
    handles: Handles,
    config: ClientConfig,
}

impl Client {
    /// A client with these settings. Nothing is sent until an operation is.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when a setting is out of range.
    pub fn new(config: ClientConfig) -> Result<Self, ConfigError> {
        Self::over(config, transport::transport()?)
    }

    /// A client over a transport of the caller's: a proxy, a recorder, a test double. It gets
    /// complete requests, token included, and is readied for every attempt.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when a setting is out of range.
    pub fn with_transport<T>(config: ClientConfig, transport: T) -> Result<Self, ConfigError>
    where
        T: Service<Request<Full<Bytes>>, Response = Response<Full<Bytes>>>
            + Clone
            + Send
            + Sync
            + 'static,
        T::Error: Into<BoxError>,
        T::Future: Send + 'static,
    {
        let custom = |error: T::Error| TransportError::Custom(error.into());
        Self::over(config, transport.map_err(custom))
    }

    fn over<T>(config: ClientConfig, transport: T) -> Result<Self, ConfigError>
    where
        T: Service<Request<Full<Bytes>>, Response = Response<Full<Bytes>>, Error = TransportError>
            + Clone
            + Send
            + Sync
            + 'static,
        T::Future: Send + 'static,
    {
        let (stack, handles) = stack::stack(&config, transport)?;
        Ok(Self {
            shared: Arc::new(Shared {
                stack,
                handles,
                config,
            }),
        })
    }

    /// A client with the settings of [`ClientConfig::from_env`].
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when the token is missing or a variable cannot be read; it names the
    /// variable.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::new(ClientConfig::from_env()?)
    }

    /// What the layers have done so far.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.shared.handles.statistics()
    }

    /// Forgets every cached answer.
    pub async fn clear_cache(&self) {
        self.shared.handles.clear_cache().await;
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("config", &self.shared.config)
            .finish_non_exhaustive()
    }
}
