use std::{fmt, hash::Hash, num::NonZeroUsize, sync::Arc, time::Duration};

use tower_layer::Layer;

use super::{KeyedCircuitBreaker, KeyedHandle, registry::Registry};
use crate::settings::Settings;

/// Puts a [`KeyedCircuitBreaker`] in front of a service. Made by
/// [`CircuitBreakerLayer::per_key`](crate::CircuitBreakerLayer::per_key).
///
/// All services it makes, its clones and its [handles](Self::handle) share the circuits.
pub struct KeyedCircuitBreakerLayer<F, K, C> {
    key: Arc<F>,
    registry: Arc<Registry<K, C>>,
    template: Template<C>,
}

#[derive(Debug)]
struct Template<C> {
    settings: Settings,
    classifier: Arc<C>,
    max_keys: NonZeroUsize,
}

const IDLE: Duration = Duration::from_secs(600);

impl<F, K: Hash + Eq + Clone, C> KeyedCircuitBreakerLayer<F, K, C> {
    pub(crate) fn new(
        key: F,
        max_keys: NonZeroUsize,
        settings: Settings,
        classifier: Arc<C>,
    ) -> Self {
        let template = Template {
            settings,
            classifier,
            max_keys,
        };
        Self {
            key: Arc::new(key),
            registry: template.registry(IDLE),
            template,
        }
    }

    /// How long a key that is not called is remembered at least, unless room is needed. What is
    /// isolated or disabled is not forgotten for being idle.
    ///
    /// Default: 10 minutes, longer than a circuit is open. Makes a new, empty set of circuits, so
    /// set first and share then.
    #[must_use]
    pub fn idle_after(self, idle: Duration) -> Self {
        Self {
            registry: self.template.registry(idle),
            ..self
        }
    }

    /// Shows the circuits to the outside.
    #[must_use]
    pub fn handle(&self) -> KeyedHandle<K, C> {
        KeyedHandle::new(Arc::clone(&self.registry))
    }
}

impl<C> Template<C> {
    fn registry<K: Hash + Eq + Clone>(&self, idle: Duration) -> Arc<Registry<K, C>> {
        let classifier = Arc::clone(&self.classifier);
        Arc::new(Registry::new(
            self.settings,
            classifier,
            self.max_keys,
            idle,
        ))
    }
}

impl<S, F, K, C> Layer<S> for KeyedCircuitBreakerLayer<F, K, C> {
    type Service = KeyedCircuitBreaker<S, F, K, C>;

    fn layer(&self, inner: S) -> Self::Service {
        KeyedCircuitBreaker::new(inner, Arc::clone(&self.key), Arc::clone(&self.registry))
    }
}

// By hand: the parts are shared, not cloned.
impl<F, K, C> Clone for KeyedCircuitBreakerLayer<F, K, C> {
    fn clone(&self) -> Self {
        Self {
            key: Arc::clone(&self.key),
            registry: Arc::clone(&self.registry),
            template: Template {
                settings: self.template.settings,
                classifier: Arc::clone(&self.template.classifier),
                max_keys: self.template.max_keys,
            },
        }
    }
}

// By hand: a closure has no `Debug`.
impl<F, K, C> fmt::Debug for KeyedCircuitBreakerLayer<F, K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedCircuitBreakerLayer")
            .field("registry", &self.registry)
            .finish_non_exhaustive()
    }
}
