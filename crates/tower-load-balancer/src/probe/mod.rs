//! Asks endpoints how they are.

mod check;
#[cfg(feature = "tcp")]
mod tcp;

use std::future::Future;

pub use self::check::HealthCheck;
#[cfg(feature = "tcp")]
pub use self::tcp::TcpProbe;

/// Asks one endpoint whether it works. Closures do, too.
///
/// `Request` is what its service takes; a probe that does not use the service leaves it open.
pub trait Probe<K, S, Request> {
    /// Whether it works. It need not watch the time: that is done by [`HealthCheck`].
    fn check(&self, key: K, service: S) -> impl Future<Output = bool> + Send;
}

impl<F, Fut, K, S> Probe<K, S, ()> for F
where
    F: Fn(K, S) -> Fut,
    Fut: Future<Output = bool> + Send,
{
    fn check(&self, key: K, service: S) -> impl Future<Output = bool> + Send {
        self(key, service)
    }
}
