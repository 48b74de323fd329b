use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Extra, PageNumbers, RunStatus, wire_words};

wire_words! {
    /// The kind of a log entry.
    MessageType {
        /// A tool was used; the three tool fields are set.
        Action = "ACTION",
        /// The plan was judged; there is a thought.
        PlanEvaluation = "PLAN_EVALUATION",
        /// The answer.
        FinalAnswer = "FINAL_ANSWER",
        /// What went wrong.
        Error = "ERROR",
        /// A message of the user.
        UserMessage = "USER_MESSAGE",
        /// A comment on an issue.
        UserGithubIssueComment = "USER_GITHUB_ISSUE_COMMENT",
    }
}

/// One entry of a run's log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AgentRunLog {
    /// The run it belongs to.
    pub agent_run_id: i64,
    /// When it was written, RFC 3339.
    #[serde(default)]
    pub created_at: Option<String>,
    /// The tool that was used.
    #[serde(default)]
    pub tool_name: Option<String>,
    /// The kind of entry.
    #[serde(default)]
    pub message_type: Option<MessageType>,
    /// What the agent thought.
    #[serde(default)]
    pub thought: Option<String>,
    /// What the agent saw: an object or a text.
    #[serde(default)]
    pub observation: Option<Value>,
    /// What the tool was given.
    #[serde(default)]
    pub tool_input: Option<Map<String, Value>>,
    /// What the tool answered.
    #[serde(default)]
    pub tool_output: Option<Map<String, Value>>,
    /// Fields this version does not name.
    #[serde(flatten)]
    pub extra: Extra,
}

impl AgentRunLog {
    /// An entry with only its required field.
    #[must_use]
    pub fn new(agent_run_id: i64) -> Self {
        Self {
            agent_run_id,
            created_at: None,
            tool_name: None,
            message_type: None,
            thought: None,
            observation: None,
            tool_input: None,
            tool_output: None,
            extra: Extra::new(),
        }
    }
}

/// A run with one page of its log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AgentRunWithLogs {
    /// Id of the run.
    pub id: i64,
    /// The organization that owns it.
    pub organization_id: i64,
    /// Where it stands.
    #[serde(default)]
    pub status: Option<RunStatus>,
    /// When it was created, RFC 3339.
    #[serde(default)]
    pub created_at: Option<String>,
    /// Where a person can look at it.
    #[serde(default)]
    pub web_url: Option<String>,
    /// The answer, once the run is complete.
    #[serde(default)]
    pub result: Option<String>,
    /// What the caller stored with the run.
    #[serde(default)]
    pub metadata: Option<Map<String, Value>>,
    /// The entries of this page, oldest first unless asked for in reverse.
    pub logs: Vec<AgentRunLog>,
    /// Entries in the whole log.
    #[serde(default)]
    pub total_logs: Option<i64>,
    /// Number of this page, from 1.
    #[serde(default)]
    pub page: Option<i64>,
    /// The limit asked for.
    #[serde(default)]
    pub size: Option<i64>,
    /// Number of pages.
    #[serde(default)]
    pub pages: Option<i64>,
    /// Fields this version does not name.
    #[serde(flatten)]
    pub extra: Extra,
}

impl AgentRunWithLogs {
    /// `run` with the entries of one page out of `total`.
    #[must_use]
    pub fn new(run: super::AgentRun, logs: Vec<AgentRunLog>, numbers: PageNumbers) -> Self {
        Self {
            id: run.id,
            organization_id: run.organization_id,
            status: run.status,
            created_at: run.created_at,
            web_url: run.web_url,
            result: run.result,
            metadata: run.metadata,
            logs,
            total_logs: Some(numbers.total),
            page: Some(numbers.page),
            size: Some(numbers.size),
            pages: Some(numbers.pages),
            extra: Extra::new(),
        }
    }
}
