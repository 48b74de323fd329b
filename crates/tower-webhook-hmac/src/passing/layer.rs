use std::{error, fmt, sync::Arc};

use tower_layer::Layer;

use super::PassWebhook;
use crate::policy::Policy;

/// Lets webhooks through while they are verified.
///
/// Made by [`VerifyWebhookLayer::pass_through`](crate::VerifyWebhookLayer::pass_through). See the
/// [module](super) documentation.
#[derive(Debug, Clone)]
pub struct PassWebhookLayer<K> {
    policy: Policy,
    keys: K,
}

impl<K> PassWebhookLayer<K> {
    pub(crate) fn new(policy: Policy, keys: K) -> Result<Self, NeedsBody> {
        if policy.scheme.keeps_body() {
            Err(NeedsBody)
        } else {
            Ok(Self { policy, keys })
        }
    }
}

impl<K: Clone, S> Layer<S> for PassWebhookLayer<K> {
    type Service = PassWebhook<S, K>;

    fn layer(&self, inner: S) -> Self::Service {
        PassWebhook::new(inner, Arc::new(self.policy.clone()), self.keys.clone())
    }
}

/// The scheme signs or carries something out of the body, or can't hash it as it comes (Ed25519):
/// it has to be held until its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NeedsBody;

impl fmt::Display for NeedsBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the scheme needs the whole body before it can verify it")
    }
}

impl error::Error for NeedsBody {}
