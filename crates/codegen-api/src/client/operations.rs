//! The operations of the contract, and the methods of [`Client`] that start them.

use bytes::Bytes;
use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    Client,
    call::Call,
    error::FieldError,
    operation::{Operation, Query},
    pages::Paged,
    wait::Wait,
};
use crate::model::{
    AgentRun, AgentRunWithLogs, AgentType, CreateAgentRun, Extra, Organization, Page, Repository,
    ResumeAgentRun, SourceType, User,
};

impl Client {
    /// Is the server well? Needs no token.
    pub fn health(&self) -> Call<Health> {
        self.call(Health)
    }

    /// The user behind the token.
    pub fn current_user(&self) -> Call<CurrentUser> {
        self.call(CurrentUser)
    }

    /// The organizations of the token.
    pub fn organizations(&self) -> Call<ListOrganizations> {
        self.call(ListOrganizations { part: Part::FIRST })
    }

    /// Members of an organization.
    pub fn users(&self, organization_id: i64) -> Call<ListUsers> {
        let part = Part::FIRST;
        self.call(ListUsers {
            organization_id,
            part,
        })
    }

    /// One member of an organization.
    pub fn user(&self, organization_id: i64, user_id: i64) -> Call<GetUser> {
        self.call(GetUser {
            organization_id,
            user_id,
        })
    }

    /// Repositories of an organization.
    pub fn repositories(&self, organization_id: i64) -> Call<ListRepositories> {
        let part = Part::FIRST;
        self.call(ListRepositories {
            organization_id,
            part,
        })
    }

    /// Starts an agent run. An empty prompt is refused before anything is sent.
    pub fn create_run(&self, organization_id: i64, prompt: impl Into<String>) -> Call<CreateRun> {
        let run = CreateAgentRun::new(prompt);
        self.call(CreateRun {
            organization_id,
            run,
        })
    }

    /// One agent run, as it stands now: never from the cache.
    pub fn run(&self, organization_id: i64, run_id: i64) -> Call<GetRun> {
        self.call(GetRun {
            organization_id,
            run_id,
        })
    }

    /// Agent runs of an organization, newest first.
    pub fn runs(&self, organization_id: i64) -> Call<ListRuns> {
        self.call(ListRuns {
            organization_id,
            user_id: None,
            source_type: None,
            part: Part::FIRST,
        })
    }

    /// Continues an agent run with a new prompt. The run keeps its id.
    pub fn resume_run(
        &self,
        organization_id: i64,
        run_id: i64,
        prompt: impl Into<String>,
    ) -> Call<ResumeRun> {
        let resume = ResumeAgentRun::new(run_id, prompt);
        self.call(ResumeRun {
            organization_id,
            resume,
        })
    }

    /// An agent run with a part of its log, oldest entry first.
    pub fn run_logs(&self, organization_id: i64, run_id: i64) -> Call<GetRunLogs> {
        self.call(GetRunLogs {
            organization_id,
            run_id,
            reverse: false,
            part: Part::FIRST,
        })
    }

    /// Asks for an agent run until it has ended.
    pub fn wait_for_completion(&self, organization_id: i64, run_id: i64) -> Wait {
        Wait::new(self.clone(), organization_id, run_id)
    }
}

/// Part of a list.
#[derive(Debug, Clone, Copy)]
struct Part {
    skip: u64,
    limit: u32,
}

impl Part {
    /// From the start, as many as the contract lets one page hold.
    const FIRST: Self = Self {
        skip: 0,
        limit: 100,
    };

    fn query(self, query: &mut Query<'_>) {
        query.add("skip", self.skip);
        query.add("limit", self.limit);
    }

    fn check(self) -> Vec<FieldError> {
        if (1..=100).contains(&self.limit) {
            Vec::new()
        } else {
            vec![FieldError::new("limit", "must be 1 to 100")]
        }
    }
}

macro_rules! part_of_a_list {
    ($($operation:ident),+) => {$(
        impl Call<$operation> {
            /// Leaves out the first `entries`. Default 0.
            pub fn skip(mut self, entries: u64) -> Self {
                self.operation.part.skip = entries;
                self
            }

            /// Asks for up to `entries`, 1 to 100. Default 100.
            pub fn limit(mut self, entries: u32) -> Self {
                self.operation.part.limit = entries;
                self
            }
        }
    )+};
}

part_of_a_list!(
    ListOrganizations,
    ListUsers,
    ListRepositories,
    ListRuns,
    GetRunLogs
);

macro_rules! paged {
    ($($operation:ident: $item:ty),+ $(,)?) => {$(
        impl Paged for $operation {
            type Item = $item;

            fn position(&self) -> u64 {
                self.part.skip
            }

            fn advance(&mut self, entries: u64) {
                self.part.skip = self.part.skip.saturating_add(entries);
            }
        }
    )+};
}

paged! {
    ListOrganizations: Organization,
    ListUsers: User,
    ListRepositories: Repository,
    ListRuns: AgentRun,
}

/// Answer of `GET /v1/health`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct HealthStatus {
    /// `healthy` or `degraded`.
    pub status: String,
    /// The server's version.
    #[serde(default)]
    pub version: Option<String>,
    /// What else the server says of itself.
    #[serde(flatten)]
    pub extra: Extra,
}

/// `GET /v1/health`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Health;

impl Operation for Health {
    type Output = HealthStatus;
    const NAME: &'static str = "health";
    const CACHED: bool = false;

    fn path(&self) -> String {
        "/v1/health".to_owned()
    }
}

/// `GET /v1/users/me`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CurrentUser;

impl Operation for CurrentUser {
    type Output = User;
    const NAME: &'static str = "current_user";

    fn path(&self) -> String {
        "/v1/users/me".to_owned()
    }
}

/// `GET /v1/organizations`.
#[derive(Debug, Clone)]
pub struct ListOrganizations {
    part: Part,
}

impl Operation for ListOrganizations {
    type Output = Page<Organization>;
    const NAME: &'static str = "list_organizations";

    fn path(&self) -> String {
        "/v1/organizations".to_owned()
    }

    fn query(&self, query: &mut Query<'_>) {
        self.part.query(query);
    }

    fn check(&self) -> Vec<FieldError> {
        self.part.check()
    }
}

/// `GET /v1/organizations/{org_id}/users`.
#[derive(Debug, Clone)]
pub struct ListUsers {
    organization_id: i64,
    part: Part,
}

impl Operation for ListUsers {
    type Output = Page<User>;
    const NAME: &'static str = "list_users";

    fn path(&self) -> String {
        format!("/v1/organizations/{}/users", self.organization_id)
    }

    fn query(&self, query: &mut Query<'_>) {
        self.part.query(query);
    }

    fn check(&self) -> Vec<FieldError> {
        self.part.check()
    }
}

/// `GET /v1/organizations/{org_id}/users/{user_id}`.
#[derive(Debug, Clone)]
pub struct GetUser {
    organization_id: i64,
    user_id: i64,
}

impl Operation for GetUser {
    type Output = User;
    const NAME: &'static str = "get_user";

    fn path(&self) -> String {
        format!(
            "/v1/organizations/{}/users/{}",
            self.organization_id, self.user_id
        )
    }
}

/// `GET /v1/organizations/{org_id}/repos`.
#[derive(Debug, Clone)]
pub struct ListRepositories {
    organization_id: i64,
    part: Part,
}

impl Operation for ListRepositories {
    type Output = Page<Repository>;
    const NAME: &'static str = "list_repositories";

    fn path(&self) -> String {
        format!("/v1/organizations/{}/repos", self.organization_id)
    }

    fn query(&self, query: &mut Query<'_>) {
        self.part.query(query);
    }

    fn check(&self) -> Vec<FieldError> {
        self.part.check()
    }
}

/// `POST /v1/organizations/{org_id}/agent/run`.
#[derive(Debug, Clone)]
pub struct CreateRun {
    organization_id: i64,
    run: CreateAgentRun,
}

impl Call<CreateRun> {
    /// The repository to work on. Default: the organization's first one.
    pub fn repository(mut self, id: i64) -> Self {
        self.operation.run.repo_id = Some(id);
        self
    }

    /// Stored with the run and given back unchanged.
    pub fn metadata(mut self, metadata: Map<String, Value>) -> Self {
        self.operation.run.metadata = Some(metadata);
        self
    }

    /// Images as base64 data URIs.
    pub fn images(mut self, images: Vec<String>) -> Self {
        self.operation.run.images = Some(images);
        self
    }

    /// The model. Default: the organization's.
    pub fn model(mut self, model: impl Into<String>) -> Self {
        self.operation.run.model = Some(model.into());
        self
    }

    /// The agent. Default: the organization's.
    pub fn agent_type(mut self, agent_type: AgentType) -> Self {
        self.operation.run.agent_type = Some(agent_type);
        self
    }
}

impl Operation for CreateRun {
    type Output = AgentRun;
    const NAME: &'static str = "create_run";
    const METHOD: Method = Method::POST;

    fn path(&self) -> String {
        format!("/v1/organizations/{}/agent/run", self.organization_id)
    }

    fn body(&self) -> Result<Option<Bytes>, serde_json::Error> {
        serde_json::to_vec(&self.run).map(|body| Some(body.into()))
    }

    fn check(&self) -> Vec<FieldError> {
        check_prompt(&self.run.prompt)
    }
}

fn check_prompt(prompt: &str) -> Vec<FieldError> {
    if prompt.trim().is_empty() {
        vec![FieldError::new("prompt", "must not be empty")]
    } else {
        Vec::new()
    }
}

/// `GET /v1/organizations/{org_id}/agent/run/{agent_run_id}`.
#[derive(Debug, Clone)]
pub struct GetRun {
    organization_id: i64,
    run_id: i64,
}

impl Operation for GetRun {
    type Output = AgentRun;
    const NAME: &'static str = "get_run";
    const CACHED: bool = false;

    fn path(&self) -> String {
        format!(
            "/v1/organizations/{}/agent/run/{}",
            self.organization_id, self.run_id
        )
    }
}

/// `GET /v1/organizations/{org_id}/agent/runs`.
#[derive(Debug, Clone)]
pub struct ListRuns {
    organization_id: i64,
    user_id: Option<i64>,
    source_type: Option<SourceType>,
    part: Part,
}

impl Call<ListRuns> {
    /// Only runs started by this user.
    pub fn started_by(mut self, user_id: i64) -> Self {
        self.operation.user_id = Some(user_id);
        self
    }

    /// Only runs with this source.
    pub fn source_type(mut self, source_type: SourceType) -> Self {
        self.operation.source_type = Some(source_type);
        self
    }
}

impl Operation for ListRuns {
    type Output = Page<AgentRun>;
    const NAME: &'static str = "list_runs";
    const CACHED: bool = false;

    fn path(&self) -> String {
        format!("/v1/organizations/{}/agent/runs", self.organization_id)
    }

    fn query(&self, query: &mut Query<'_>) {
        query.add_some("user_id", self.user_id);
        query.add_some("source_type", self.source_type.as_ref());
        self.part.query(query);
    }

    fn check(&self) -> Vec<FieldError> {
        self.part.check()
    }
}

/// `POST /v1/organizations/{org_id}/agent/run/resume`.
#[derive(Debug, Clone)]
pub struct ResumeRun {
    organization_id: i64,
    resume: ResumeAgentRun,
}

impl Operation for ResumeRun {
    type Output = AgentRun;
    const NAME: &'static str = "resume_run";
    const METHOD: Method = Method::POST;

    fn path(&self) -> String {
        format!(
            "/v1/organizations/{}/agent/run/resume",
            self.organization_id
        )
    }

    fn body(&self) -> Result<Option<Bytes>, serde_json::Error> {
        serde_json::to_vec(&self.resume).map(|body| Some(body.into()))
    }

    fn check(&self) -> Vec<FieldError> {
        check_prompt(&self.resume.prompt)
    }
}

/// `GET /v1/alpha/organizations/{org_id}/agent/run/{agent_run_id}/logs`.
#[derive(Debug, Clone)]
pub struct GetRunLogs {
    organization_id: i64,
    run_id: i64,
    reverse: bool,
    part: Part,
}

impl Call<GetRunLogs> {
    /// Newest entry first.
    pub fn newest_first(mut self) -> Self {
        self.operation.reverse = true;
        self
    }
}

impl Operation for GetRunLogs {
    type Output = AgentRunWithLogs;
    const NAME: &'static str = "get_run_logs";
    const CACHED: bool = false;

    fn path(&self) -> String {
        let (organization, run) = (self.organization_id, self.run_id);
        format!("/v1/alpha/organizations/{organization}/agent/run/{run}/logs")
    }

    fn query(&self, query: &mut Query<'_>) {
        self.part.query(query);
        if self.reverse {
            query.add("reverse", true);
        }
    }

    fn check(&self) -> Vec<FieldError> {
        self.part.check()
    }
}
