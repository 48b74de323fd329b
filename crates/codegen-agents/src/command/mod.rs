use std::ffi::OsString;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tower_service::Service;

use crate::{AgentTask, Answer, ProviderError};

/// Runs a program with the prompt on standard input, in a scratch copy of the repository.
#[derive(Clone, Debug)]
pub struct CommandProvider {
    program: OsString,
    args: Vec<OsString>,
    allowed_env: Vec<OsString>,
    time_limit: Duration,
    output_limit: usize,
    copy_limit: u64,
}
