//! Agent runs.

use bytes::Bytes;
use http::Method;
use serde_json::{Map, Value};

use super::part::{Part, paged, part_of_a_list};
use crate::{
    client::{
        Client,
        call::Call,
        error::FieldError,
        operation::{Operation, Query},
        pages::Paged,
        wait::Wait,
    },
    model::{
        AgentRun, AgentRunWithLogs, AgentType, CreateAgentRun, Page, ResumeAgentRun, SourceType,
    },
};

impl Client {
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

part_of_a_list!(ListRuns, GetRunLogs);

paged! {
    ListRuns: AgentRun,
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
