use std::fmt;

use tower_layer::Layer;

use super::BodyAware;
use crate::{CircuitBreakerLayer, Handle};

/// Puts a [`BodyAware`] breaker in front of a service. Made by
/// [`CircuitBreakerLayer::until_body_end`].
pub struct BodyAwareLayer<C> {
    layer: CircuitBreakerLayer<C>,
}

impl<C> CircuitBreakerLayer<C> {
    /// Ends calls with the body of their response instead of its head: a body that fails is a
    /// failure, though its head was a success, and slow calls are timed to the end of the body. A
    /// body that its reader drops is judged by the head alone.
    ///
    /// A probe keeps its slot while its body runs, so give
    /// [`probe_lease`](CircuitBreakerLayer::probe_lease) the time of the longest body. Shares the
    /// circuit of this layer. The body of the responses becomes a
    /// [`ResponseBody`](crate::ResponseBody).
    #[must_use]
    pub fn until_body_end(self) -> BodyAwareLayer<C> {
        BodyAwareLayer::new(self)
    }
}

impl<C> BodyAwareLayer<C> {
    fn new(layer: CircuitBreakerLayer<C>) -> Self {
        Self { layer }
    }

    /// Shows the circuit to the outside.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.layer.handle()
    }
}

impl<S, C> Layer<S> for BodyAwareLayer<C> {
    type Service = BodyAware<S, C>;

    fn layer(&self, inner: S) -> BodyAware<S, C> {
        BodyAware::new(inner, self.layer.link())
    }
}

// By hand: the classifier is shared, not cloned.
impl<C> Clone for BodyAwareLayer<C> {
    fn clone(&self) -> Self {
        Self::new(self.layer.clone())
    }
}

// By hand: a closure has no `Debug`.
impl<C> fmt::Debug for BodyAwareLayer<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("BodyAwareLayer").field(&self.layer).finish()
    }
}
