use std::{fmt, sync::Arc, time::Duration};

/// A service, and when it is asked.
#[derive(Clone)]
#[must_use]
pub struct Provider<N, S> {
    pub(super) name: N,
    pub(super) service: S,
    pub(super) at_most: Option<Duration>,
    skip: Option<Arc<dyn Fn() -> bool + Send + Sync>>,
}

impl<N, S> Provider<N, S> {
    /// A provider that may take any time.
    pub const fn new(name: N, service: S) -> Self {
        Self {
            name,
            service,
            at_most: None,
            skip: None,
        }
    }

    /// After this time without an answer the next provider is asked.
    pub const fn at_most(mut self, time: Duration) -> Self {
        self.at_most = Some(time);
        self
    }

    /// Skips the provider whenever this says so: while its circuit is open, while its quota is
    /// spent. A request that may not be repeated is then not wasted on it.
    pub fn skip_when(mut self, skip: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        self.skip = Some(Arc::new(skip));
        self
    }

    pub(super) fn is_skipped(&self) -> bool {
        self.skip.as_ref().is_some_and(|skip| skip())
    }
}

impl<N: fmt::Debug, S> fmt::Debug for Provider<N, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider")
            .field("name", &self.name)
            .field("at_most", &self.at_most)
            .finish_non_exhaustive()
    }
}

/// A response, and who gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Served<N, Response> {
    /// The name of the provider.
    pub provider: N,
    /// What it said.
    pub response: Response,
}
