use std::future::Future;

use crate::model::{
    AgentRun, AgentRunLog, CreateAgentRun, Organization, Repository, ResumeAgentRun, SourceType,
    User,
};

use super::principal::{OrgScope, Principal, TokenDigest};

/// What the server asks of a database.
///
/// Everything below an organization takes an [`OrgScope`], which only a member's [`Principal`]
/// can give out: a query across organizations does not type-check. Implementations must make each
/// call atomic; a call that answered `Ok` is durable.
pub trait Store: Clone + Send + Sync + 'static {
    /// Whether the database answers. For readiness.
    fn ping(&self) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Who a token belongs to; `None` for a token that does not exist or no longer counts.
    ///
    /// Implementations look up by [`TokenDigest::prefix`] and compare whole digests with `==`,
    /// which takes the same time for every wrong digest.
    fn principal(
        &self,
        token: &TokenDigest,
    ) -> impl Future<Output = Result<Option<Principal>, StoreError>> + Send;

    /// The user behind the principal.
    fn current_user(
        &self,
        principal: &Principal,
    ) -> impl Future<Output = Result<Option<User>, StoreError>> + Send;

    /// The organizations the principal is a member of, by id.
    fn organizations(
        &self,
        principal: &Principal,
        window: Window,
    ) -> impl Future<Output = Result<Listing<Organization>, StoreError>> + Send;

    /// Members of the organization, by id.
    fn users(
        &self,
        scope: &OrgScope,
        window: Window,
    ) -> impl Future<Output = Result<Listing<User>, StoreError>> + Send;

    /// One member.
    fn user(
        &self,
        scope: &OrgScope,
        user_id: i64,
    ) -> impl Future<Output = Result<Option<User>, StoreError>> + Send;

    /// Repositories of the organization, by id.
    fn repositories(
        &self,
        scope: &OrgScope,
        window: Window,
    ) -> impl Future<Output = Result<Listing<Repository>, StoreError>> + Send;

    /// Stores a new run, pending. Source type is `API`.
    fn create_run(
        &self,
        scope: &OrgScope,
        run: CreateAgentRun,
    ) -> impl Future<Output = Result<CreateRun, StoreError>> + Send;

    /// One run.
    fn run(
        &self,
        scope: &OrgScope,
        run_id: i64,
    ) -> impl Future<Output = Result<Option<AgentRun>, StoreError>> + Send;

    /// Runs of the organization, newest first.
    fn runs(
        &self,
        scope: &OrgScope,
        filter: RunFilter,
        window: Window,
    ) -> impl Future<Output = Result<Listing<AgentRun>, StoreError>> + Send;

    /// Continues a run: a final one becomes pending again with the new prompt, and the prompt is
    /// logged as a `USER_MESSAGE`. `None` when there is no such run.
    fn resume_run(
        &self,
        scope: &OrgScope,
        resume: ResumeAgentRun,
    ) -> impl Future<Output = Result<Option<ResumeRun>, StoreError>> + Send;

    /// One page of a run's log with the run; oldest first unless `reverse`.
    fn run_logs(
        &self,
        scope: &OrgScope,
        run_id: i64,
        window: Window,
        reverse: bool,
    ) -> impl Future<Output = Result<Option<(AgentRun, Listing<AgentRunLog>)>, StoreError>> + Send;

    /// Keeps a webhook delivery whose signature was right. `false` when its id was kept before.
    fn record_delivery(
        &self,
        delivery: Delivery,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;
}

/// Part of a list: up to `limit` entries after the first `skip`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Entries to leave out; at least 0.
    pub skip: i64,
    /// Entries to give; 1 to 100.
    pub limit: i64,
}

/// Entries of a window, and how many there are in all.
#[derive(Debug, Clone, PartialEq)]
pub struct Listing<T> {
    /// The entries.
    pub items: Vec<T>,
    /// Entries in the whole list.
    pub total: i64,
}

/// Which runs to list.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunFilter {
    /// Only those started by this user.
    pub user_id: Option<i64>,
    /// Only those with this source.
    pub source_type: Option<SourceType>,
}

/// What came of creating a run.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum CreateRun {
    /// It is stored and pending.
    Created(Box<AgentRun>),
    /// The organization has no repository, or not the one asked for.
    NoRepository,
}

/// What came of resuming a run.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ResumeRun {
    /// It is pending again.
    Resumed(Box<AgentRun>),
    /// It has not ended yet.
    StillRunning,
}

/// A webhook delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The sender's id of the delivery.
    pub id: String,
    /// The kind of event.
    pub event: String,
    /// The body as it was signed.
    pub payload: bytes::Bytes,
}

/// Why the database did not answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum StoreError {
    /// Busy, locked, full or away; the same call may succeed later. Nothing was stored.
    Unavailable(Box<dyn std::error::Error + Send + Sync>),
    /// A fault that waiting will not mend.
    Internal(Box<dyn std::error::Error + Send + Sync>),
}

impl std::fmt::Display for StoreError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Unavailable(_) => "the database is not available",
            Self::Internal(_) => "the database failed",
        })
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unavailable(source) | Self::Internal(source) => Some(&**source),
        }
    }
}
