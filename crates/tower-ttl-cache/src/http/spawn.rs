use std::future::Future;

/// Runs a future to its end with nobody waiting for it.
///
/// The cache needs it for one thing: to have a stale response validated after it has answered
/// (`stale-while-revalidate`). An implementation for a type of executor is a line.
pub trait Spawn<F> {
    /// Whether [`spawn`](Self::spawn) does what it says. Without, a stale response is validated
    /// before it answers.
    fn is_available(&self) -> bool {
        true
    }

    /// Runs the future.
    fn spawn(&self, future: F);
}

/// Runs nothing: the default of a cache.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSpawn;

impl<F> Spawn<F> for NoSpawn {
    fn is_available(&self) -> bool {
        false
    }

    fn spawn(&self, future: F) {
        drop(future);
    }
}

/// Runs futures on the tokio runtime that polls the cache.
///
/// # Panics
///
/// [`spawn`](Spawn::spawn) panics outside of a tokio runtime.
#[derive(Clone, Copy, Debug, Default)]
pub struct TokioSpawn;

impl<F> Spawn<F> for TokioSpawn
where
    F: Future<Output = ()> + Send + 'static,
{
    fn spawn(&self, future: F) {
        tokio::spawn(future);
    }
}
