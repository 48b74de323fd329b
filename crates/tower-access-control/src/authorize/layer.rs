use std::sync::Arc;

use tower_layer::Layer;

use super::service::Authorize;

/// Lets only those requests through that a [`Policy`](crate::Policy) allows.
///
/// See the [crate](crate) documentation.
#[derive(Debug)]
pub struct AuthorizeLayer<P> {
    policy: Arc<P>,
}

impl<P> AuthorizeLayer<P> {
    /// Asks `policy`: one of this crate's, a tuple of them, or one of your own.
    pub fn new(policy: P) -> Self {
        Self {
            policy: Arc::new(policy),
        }
    }
}

impl<S, P> Layer<S> for AuthorizeLayer<P> {
    type Service = Authorize<S, P>;

    fn layer(&self, inner: S) -> Self::Service {
        Authorize::new(inner, Arc::clone(&self.policy))
    }
}

/// By hand, since sharing needs no `Clone` of the policy.
impl<P> Clone for AuthorizeLayer<P> {
    fn clone(&self) -> Self {
        Self {
            policy: Arc::clone(&self.policy),
        }
    }
}
