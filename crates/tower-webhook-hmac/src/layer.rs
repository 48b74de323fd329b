use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use tower_layer::Layer;

use crate::{
    Scheme, Secrets, VerifyWebhook,
    passing::{NeedsBody, PassWebhookLayer},
    policy::{Clock, Policy},
};

/// GitHub caps its payloads at this size, the largest documented cap among providers.
const MAX_BODY: u64 = 25 * 1024 * 1024;

/// GitHub gives up on a delivery after 10 seconds; an honest body is complete by then.
const BODY_DEADLINE: Duration = Duration::from_secs(10);

/// Lets only webhooks with a right signature through to the inner service.
///
/// `K` finds the secrets: see [`KeyProvider`](crate::KeyProvider). See the [crate](crate)
/// documentation.
#[derive(Debug, Clone)]
pub struct VerifyWebhookLayer<K = Secrets> {
    policy: Policy,
    keys: K,
}

impl VerifyWebhookLayer {
    /// Verifies `scheme` with any of `secrets`: a [`Secret`](crate::Secret), or [`Secrets`].
    pub fn new(scheme: Scheme, secrets: impl Into<Secrets>) -> Self {
        Self::with_keys(scheme, secrets.into())
    }

    /// [`new`](Self::new) with [`Scheme::github`].
    pub fn github(secrets: impl Into<Secrets>) -> Self {
        Self::new(Scheme::github(), secrets)
    }
}

impl<K> VerifyWebhookLayer<K> {
    /// Verifies `scheme` with the secrets that `keys` finds for a request: a
    /// [`KeyProvider`](crate::KeyProvider).
    pub fn with_keys(scheme: Scheme, keys: K) -> Self {
        Self {
            policy: Policy {
                scheme,
                max_body: MAX_BODY,
                body_deadline: BODY_DEADLINE,
                clock: Clock(Arc::new(SystemTime::now)),
            },
            keys,
        }
    }

    /// What time it is, for timestamps and for secrets that end at a time.
    ///
    /// Default: the clock of the system.
    #[must_use]
    pub fn clock(mut self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.policy.clock = Clock(Arc::new(clock));
        self
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

    /// Instead of holding a body until it is verified, hands it on while it is: see
    /// [`passing`](crate::passing). For uploads of many megabytes. The deadline then counts the
    /// inner service's time between two frames too.
    ///
    /// # Errors
    ///
    /// [`NeedsBody`] when the scheme can't do without the whole body.
    pub fn pass_through(self) -> Result<PassWebhookLayer<K>, NeedsBody> {
        PassWebhookLayer::new(self.policy, self.keys)
    }
}

impl<K: Clone, S> Layer<S> for VerifyWebhookLayer<K> {
    type Service = VerifyWebhook<S, K>;

    fn layer(&self, inner: S) -> Self::Service {
        VerifyWebhook::new(inner, Arc::new(self.policy.clone()), self.keys.clone())
    }
}
