use std::collections::HashMap;
use std::fmt;
use std::task::{Context, Poll};

use tower::ServiceExt;
use tower::util::BoxCloneSyncService;
use tower_service::Service;

use crate::{AgentTask, Answer, ProviderError};

/// Any provider behind one type: a `Service<AgentTask>` boxed once, with the layers it wears.
#[derive(Clone)]
pub struct Provider {
    service: BoxCloneSyncService<AgentTask, Answer, ProviderError>,
}

impl Provider {
    /// Boxes `service`. Each call then costs one allocation more than the bare service.
    ///
    /// # Clone
    ///
    /// Every run is answered by a clone of its own, so that runs do not wait for one another.
    #[must_use]
    pub fn new<S>(service: S) -> Self
    where
        S: Service<AgentTask, Response = Answer> + Clone + Send + Sync + 'static,
        S::Error: Into<ProviderError>,
        S::Future: Send + 'static,
    {
        Self {
            service: BoxCloneSyncService::new(service.map_err(Into::into)),
        }
    }
}

impl Service<AgentTask> for Provider {
    type Response = Answer;
    type Error = ProviderError;
    type Future =
        <BoxCloneSyncService<AgentTask, Answer, ProviderError> as Service<AgentTask>>::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&mut self, task: AgentTask) -> Self::Future {
        self.service.call(task)
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider").finish_non_exhaustive()
    }
}

/// Which provider answers which agent type.
#[derive(Clone, Debug)]
pub struct Providers {
    default: Provider,
    by_agent_type: HashMap<String, Provider>,
}

impl Providers {
    /// `default` answers every run that asks for no agent type.
    #[must_use]
    pub fn new(default: Provider) -> Self {
        Self {
            default,
            by_agent_type: HashMap::new(),
        }
    }

    /// `provider` answers the runs that ask for `agent_type`. The last one set for a type wins.
    #[must_use]
    pub fn agent_type(mut self, agent_type: impl Into<String>, provider: Provider) -> Self {
        self.by_agent_type.insert(agent_type.into(), provider);
        self
    }

    /// The provider for a run, `None` when it asks for a type that nobody answers.
    #[must_use]
    pub fn select(&self, agent_type: Option<&str>) -> Option<&Provider> {
        match agent_type {
            None => Some(&self.default),
            Some(agent_type) => self.by_agent_type.get(agent_type),
        }
    }
}
