use std::fmt;
use std::path::PathBuf;

use tokio_util::sync::CancellationToken;

use crate::Journal;

/// A local source tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// What people call it; used in answers.
    pub name: String,
    /// The directory that holds it. Nothing outside is read, except through a root that is itself
    /// a symbolic link.
    pub root: PathBuf,
}

impl Repository {
    /// The tree at `root`, called `name`.
    #[must_use]
    pub fn new(name: impl Into<String>, root: impl Into<PathBuf>) -> Self {
        Self {
            name: name.into(),
            root: root.into(),
        }
    }
}

/// The request of a provider: one attempt at one run.
///
/// `Debug` leaves the prompt out: it is the caller's text.
#[derive(Clone)]
pub struct AgentTask {
    /// The run this is an attempt of.
    pub run_id: i64,
    /// The organization the run belongs to.
    pub organization_id: i64,
    /// What is asked.
    pub prompt: String,
    /// What it is asked about.
    pub repository: Repository,
    /// 1 for the first attempt; one more for each attempt whose runner died.
    pub attempt: u32,
    /// Where the provider records its actions.
    pub journal: Journal,
    /// Cancelled when the attempt must end. A provider that sees it gives everything back and
    /// answers [`ProviderError::Cancelled`](crate::ProviderError::Cancelled); one that does not
    /// is dropped a little later.
    pub cancel: CancellationToken,
}

impl AgentTask {
    /// A first attempt of run 0 of organization 0, for a provider used without a runner. The
    /// fields are public: set what differs.
    #[must_use]
    pub fn new(prompt: impl Into<String>, repository: Repository, journal: Journal) -> Self {
        Self {
            run_id: 0,
            organization_id: 0,
            prompt: prompt.into(),
            repository,
            attempt: 1,
            journal,
            cancel: CancellationToken::new(),
        }
    }
}

impl fmt::Debug for AgentTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AgentTask")
            .field("run_id", &self.run_id)
            .field("organization_id", &self.organization_id)
            .field("repository", &self.repository)
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}

/// What a provider found or did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer {
    /// The answer in full.
    pub text: String,
    /// The answer in a sentence.
    pub summary: String,
    /// What the provider would change in the repository, as a unified diff. `None` when nothing.
    pub diff: Option<String>,
}

impl Answer {
    /// An answer that changes nothing.
    #[must_use]
    pub fn new(text: impl Into<String>, summary: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            summary: summary.into(),
            diff: None,
        }
    }

    /// The same answer with a change to the repository.
    #[must_use]
    pub fn diff(mut self, diff: impl Into<String>) -> Self {
        self.diff = Some(diff.into());
        self
    }
}
