use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tower_service::Service;

use crate::{AgentTask, Answer, ProviderError};

/// Answers a prompt from the source tree.
#[derive(Clone, Debug)]
pub struct SearchProvider {
    time_limit: Duration,
}
