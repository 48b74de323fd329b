use std::{sync::Arc, time::Duration};

use tower_layer::Layer;

use crate::{Scheme, Secrets, VerifyWebhook, policy::Policy};

/// GitHub caps its payloads at this size, the largest documented cap among providers.
const MAX_BODY: u64 = 25 * 1024 * 1024;

/// GitHub gives up on a delivery after 10 seconds; an honest body is complete by then.
const BODY_DEADLINE: Duration = Duration::from_secs(10);

/// Lets only webhooks with a right signature through to the inner service.
///
/// See the [crate](crate) documentation.
#[derive(Debug, Clone)]
pub struct VerifyWebhookLayer {
    policy: Policy,
}

impl VerifyWebhookLayer {
    /// Verifies `scheme` with any of `secrets`: a [`Secret`](crate::Secret), or [`Secrets`].
    pub fn new(scheme: Scheme, secrets: impl Into<Secrets>) -> Self {
        Self {
            policy: Policy {
                scheme,
                secrets: secrets.into(),
                max_body: MAX_BODY,
                body_deadline: BODY_DEADLINE,
            },
        }
    }

    /// [`new`](Self::new) with [`Scheme::github`].
    pub fn github(secrets: impl Into<Secrets>) -> Self {
        Self::new(Scheme::github(), secrets)
    }

    /// The largest body in bytes, inclusive; one byte more is answered 413. With 0 only empty
    /// bodies pass.
    ///
    /// A body that announces more is refused unread. One that doesn't is read up to the limit and
    /// at most one frame further.
    ///
    /// Default: 25 MiB, what GitHub documents as the size of its largest payload.
    #[must_use]
    pub fn max_body(mut self, bytes: u64) -> Self {
        self.policy.max_body = bytes;
        self
    }

    /// How long a body may take, from the moment the layer first has to wait for it; then the
    /// answer is 408. With zero only bodies that are there at once pass. Doesn't count the time
    /// of the inner service.
    ///
    /// Default: 10 s, after which GitHub gives a delivery up.
    #[must_use]
    pub fn body_deadline(mut self, deadline: Duration) -> Self {
        self.policy.body_deadline = deadline;
        self
    }
}

impl<S> Layer<S> for VerifyWebhookLayer {
    type Service = VerifyWebhook<S>;

    fn layer(&self, inner: S) -> Self::Service {
        VerifyWebhook::new(inner, Arc::new(self.policy.clone()))
    }
}
