use std::sync::Arc;

use tower_layer::Layer;

use super::service::{Authenticate, Gate};
use crate::{Authenticator, SystemClock, challenge::Challenges};

/// Lets only requests with a good credential through, with its principal among their extensions.
///
/// See the [crate](crate) documentation.
#[derive(Debug)]
pub struct AuthenticateLayer<A, C = SystemClock> {
    authenticator: Arc<A>,
    challenges: Arc<Challenges>,
    clock: C,
}

impl<A: Authenticator> AuthenticateLayer<A> {
    /// Asks `authenticator`: [`ApiKeys`](crate::ApiKeys), a JWT authenticator, several with
    /// [`any_of`](crate::any_of), or one of your own.
    pub fn new(authenticator: A) -> Self {
        let mut challenges = Vec::new();
        authenticator.challenges(&mut challenges);
        Self {
            authenticator: Arc::new(authenticator),
            challenges: Arc::new(Challenges::new(challenges)),
            clock: SystemClock,
        }
    }
}

impl<A, C> AuthenticateLayer<A, C> {
    /// Reads the time of day from another [`Clock`](crate::Clock). Default: the operating system's.
    #[must_use]
    pub fn clock<D>(self, clock: D) -> AuthenticateLayer<A, D> {
        AuthenticateLayer {
            authenticator: self.authenticator,
            challenges: self.challenges,
            clock,
        }
    }
}

impl<S, A, C: Clone> Layer<S> for AuthenticateLayer<A, C> {
    type Service = Authenticate<S, A, C>;

    fn layer(&self, inner: S) -> Self::Service {
        Authenticate::new(
            inner,
            Gate {
                authenticator: Arc::clone(&self.authenticator),
                challenges: Arc::clone(&self.challenges),
                clock: self.clock.clone(),
            },
        )
    }
}

/// By hand, since sharing needs no `Clone` of the authenticator.
impl<A, C: Clone> Clone for AuthenticateLayer<A, C> {
    fn clone(&self) -> Self {
        Self {
            authenticator: Arc::clone(&self.authenticator),
            challenges: Arc::clone(&self.challenges),
            clock: self.clock.clone(),
        }
    }
}
