use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Extra, wire_words};

wire_words! {
    /// Where an agent run stands.
    ///
    /// The vendor's own sources disagree on spelling (`COMPLETE`, `completed`), so both read as
    /// [`Complete`](Self::Complete).
    RunStatus {
        /// Accepted, not started.
        Pending = "PENDING",
        /// Being worked on.
        Active = "ACTIVE",
        /// Being worked on, in the words of older tools.
        Running = "RUNNING" | "in_progress",
        /// The result is being judged.
        Evaluation = "EVALUATION",
        /// Waiting for its user.
        Paused = "PAUSED",
        /// Finished with a result.
        Complete = "COMPLETE" | "completed",
        /// Ended by a fault of the agent.
        Error = "ERROR",
        /// Ended without a result.
        Failed = "FAILED",
        /// Stopped on request.
        Cancelled = "CANCELLED",
        /// Stopped on request, in the words of older tools.
        Stopped = "STOPPED",
        /// Took too long.
        Timeout = "TIMEOUT",
        /// Used up its steps.
        MaxIterationsReached = "MAX_ITERATIONS_REACHED",
        /// Used up its tokens.
        OutOfTokens = "OUT_OF_TOKENS",
    }
}

impl RunStatus {
    /// Whether the run has ended. Only a resume makes a final run active again.
    ///
    /// An unknown word is not final: waiting for a deadline is the smaller mistake.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(
            self,
            Self::Complete
                | Self::Error
                | Self::Failed
                | Self::Cancelled
                | Self::Stopped
                | Self::Timeout
                | Self::MaxIterationsReached
                | Self::OutOfTokens
        )
    }

    /// Whether the run has ended with a result.
    #[must_use]
    pub fn is_success(&self) -> bool {
        *self == Self::Complete
    }
}

wire_words! {
    /// What started an agent run. Runs made through the API are [`Api`](Self::Api).
    SourceType {
        /// A local tool.
        Local = "LOCAL",
        /// A Slack message.
        Slack = "SLACK",
        /// A GitHub event.
        Github = "GITHUB",
        /// A failing check suite.
        GithubCheckSuite = "GITHUB_CHECK_SUITE",
        /// A review of a pull request.
        GithubPrReview = "GITHUB_PR_REVIEW",
        /// A Linear issue.
        Linear = "LINEAR",
        /// This API.
        Api = "API",
        /// The chat of the web application.
        Chat = "CHAT",
        /// A Jira issue.
        Jira = "JIRA",
        /// A ClickUp task.
        Clickup = "CLICKUP",
        /// A monday.com item.
        Monday = "MONDAY",
        /// Generation of setup commands.
        SetupCommands = "SETUP_COMMANDS",
    }
}

impl SourceType {
    /// Whether the word is one of the contract's twelve.
    #[must_use]
    pub fn is_known(&self) -> bool {
        !matches!(self, Self::Other(_))
    }
}

wire_words! {
    /// Which agent works on a run.
    AgentType {
        /// The default agent.
        Codegen = "codegen",
        /// The coding agent of the same name.
        ClaudeCode = "claude_code",
    }
}

/// An agent run as the API shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AgentRun {
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
    /// Where a person can look at it. Present from creation.
    #[serde(default)]
    pub web_url: Option<String>,
    /// The answer, once the run is complete.
    #[serde(default)]
    pub result: Option<String>,
    /// The answer in a sentence.
    #[serde(default)]
    pub summary: Option<String>,
    /// What started it.
    #[serde(default)]
    pub source_type: Option<SourceType>,
    /// Pull requests the run has opened.
    #[serde(default)]
    pub github_pull_requests: Option<Vec<PullRequest>>,
    /// What the caller stored with the run.
    #[serde(default)]
    pub metadata: Option<Map<String, Value>>,
    /// Fields this version does not name.
    #[serde(flatten)]
    pub extra: Extra,
}

impl AgentRun {
    /// A run with only its two required fields.
    #[must_use]
    pub fn new(id: i64, organization_id: i64) -> Self {
        Self {
            id,
            organization_id,
            status: None,
            created_at: None,
            web_url: None,
            result: None,
            summary: None,
            source_type: None,
            github_pull_requests: None,
            metadata: None,
            extra: Extra::new(),
        }
    }

    /// Whether the run has ended.
    #[must_use]
    pub fn is_final(&self) -> bool {
        self.status.as_ref().is_some_and(RunStatus::is_final)
    }
}

/// A pull request opened by a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PullRequest {
    /// Id of the pull request.
    pub id: i64,
    /// Title.
    #[serde(default)]
    pub title: Option<String>,
    /// Where it is.
    #[serde(default)]
    pub url: Option<String>,
    /// When it was opened, RFC 3339.
    pub created_at: String,
    /// The branch it proposes.
    #[serde(default)]
    pub head_branch_name: Option<String>,
    /// Fields this version does not name.
    #[serde(flatten)]
    pub extra: Extra,
}

/// Body of `POST …/agent/run`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CreateAgentRun {
    /// What the agent is asked.
    pub prompt: String,
    /// Base64 data URIs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub images: Option<Vec<String>>,
    /// Stored with the run and given back unchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Map<String, Value>>,
    /// The repository to work on; the organization's first one when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repo_id: Option<i64>,
    /// The model to use; the organization's default when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The agent to use; the organization's default when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_type: Option<AgentType>,
}

impl CreateAgentRun {
    /// A request with a prompt and defaults for the rest.
    #[must_use]
    pub fn new(prompt: impl Into<String>) -> Self {
        Self {
            prompt: prompt.into(),
            images: None,
            metadata: None,
            repo_id: None,
            model: None,
            agent_type: None,
        }
    }
}

/// Body of `POST …/agent/run/resume`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ResumeAgentRun {
    /// The run to continue.
    pub agent_run_id: i64,
    /// The new prompt.
    pub prompt: String,
    /// Base64 data URIs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub images: Option<Vec<String>>,
}

impl ResumeAgentRun {
    /// A request to continue `agent_run_id` with `prompt`.
    #[must_use]
    pub fn new(agent_run_id: i64, prompt: impl Into<String>) -> Self {
        Self {
            agent_run_id,
            prompt: prompt.into(),
            images: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_of_a_finished_run_read_as_complete() {
        assert_eq!(RunStatus::from("COMPLETE"), RunStatus::Complete);
        assert_eq!(RunStatus::from("completed"), RunStatus::Complete);
        assert!(RunStatus::from("Completed").is_final());
        assert!(!RunStatus::from("ACTIVE").is_final());
    }

    #[test]
    fn unknown_words_and_fields_survive_a_round_trip() {
        let text = r#"{"id":1,"organization_id":2,"status":"DREAMING","novelty":{"a":[1]}}"#;
        let run: AgentRun = serde_json::from_str(text).unwrap();
        assert_eq!(run.status, Some(RunStatus::Other("DREAMING".into())));
        let out: Value = serde_json::to_value(&run).unwrap();
        assert_eq!(out["status"], "DREAMING");
        assert_eq!(out["novelty"]["a"][0], 1);
        assert!(out.as_object().unwrap().contains_key("result"));
    }
}
