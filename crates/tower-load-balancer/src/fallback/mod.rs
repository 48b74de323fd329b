//! Several services that do the same in their own ways, one after the other.
//!
//! Endpoints of a [`Balance`](crate::Balance) are alike, and share the load. Providers are not: the
//! first one that works is wanted, and whoever asked wants to know which one it was. Each may be a
//! balancer of its own.
//!
//! ```
//! use std::time::Duration;
//! use tower::{Service, ServiceExt, util::BoxCloneSyncService};
//! use tower_load_balancer::fallback::{Error, Fallback, Provider};
//!
//! # tokio_test::block_on(async {
//! let primary = tower::service_fn(|_: String| async { Err::<String, _>("overloaded") });
//! let secondary = tower::service_fn(|prompt: String| async move { Ok(prompt + " done") });
//!
//! let mut service = Fallback::new(
//!     [
//!         Provider::new("primary", BoxCloneSyncService::new(primary)).at_most(Duration::from_secs(20)),
//!         Provider::new("secondary", BoxCloneSyncService::new(secondary)),
//!     ],
//!     |prompt: &String| Some(prompt.clone()),
//! )
//! .deadline(Duration::from_secs(60));
//!
//! let answer = service.ready().await?.call(String::from("this")).await?;
//! assert_eq!((answer.provider, answer.response.as_str()), ("secondary", "this done"));
//! # Ok::<_, Error<&str>>(())
//! # }).unwrap();
//! ```

mod error;
mod future;
mod provider;
mod service;

pub use self::{
    error::Error,
    future::ResponseFuture,
    provider::{Provider, Served},
    service::Fallback,
};
