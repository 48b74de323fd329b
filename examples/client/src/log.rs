use codegen_api::{
    client::Client,
    model::{AgentRunLog, MessageType},
};
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::{failure::Failure, text::one_line};

/// The longest a line about an entry gets.
const LONGEST: usize = 160;

/// The log of a run, read on from where it was left.
#[derive(Debug)]
pub(crate) struct Log {
    client: Client,
    organization: i64,
    run: i64,
    position: u64,
}

impl Log {
    pub(crate) fn new(client: &Client, organization: i64, run: i64) -> Self {
        Self {
            client: client.clone(),
            organization,
            run,
            position: 0,
        }
    }

    /// Leaves out what is there by now.
    pub(crate) async fn skip(mut self) -> Result<Self, Failure> {
        let page = self.client.run_logs(self.organization, self.run).limit(1);
        let total = page.send().await?.total_logs.unwrap_or(0);
        self.position = u64::try_from(total).unwrap_or(0);
        Ok(self)
    }

    /// Shows the entries that were not shown yet. One that is shown is not shown again, even when
    /// this fails or is dropped on the way.
    pub(crate) async fn read(
        &mut self,
        mut show: impl FnMut(&AgentRunLog) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        loop {
            let page = self.client.run_logs(self.organization, self.run);
            let page = page.skip(self.position).send().await?;
            for entry in &page.logs {
                show(entry)?;
                self.position += 1;
            }
            let total = page
                .total_logs
                .map(|total| u64::try_from(total).unwrap_or(0));
            if page.logs.is_empty() || total.is_some_and(|total| self.position >= total) {
                return Ok(());
            }
        }
    }
}

/// An entry on one line: its tool or else its kind, and what it says.
pub(crate) fn line(entry: &AgentRunLog) -> String {
    let heading = entry.tool_name.as_deref().unwrap_or(kind(entry));
    one_line(&format!("{heading} {}", gist(entry)), LONGEST)
}

/// The same with its time and always with its kind.
pub(crate) fn dated(entry: &AgentRunLog) -> String {
    let time = time(entry.created_at.as_deref().unwrap_or("-"));
    let tool = entry.tool_name.as_deref().unwrap_or_default();
    let text = one_line(&format!("{tool} {}", gist(entry)), LONGEST);
    format!("{time}  {:<12}  {text}", one_line(kind(entry), 40))
}

/// To the second, in UTC. What does not read as a time stays as it is.
fn time(text: &str) -> String {
    match text.parse::<Timestamp>() {
        Ok(time) => time.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
        Err(_) => one_line(text, 40),
    }
}

fn kind(entry: &AgentRunLog) -> &str {
    entry.message_type.as_ref().map_or("?", MessageType::as_str)
}

/// Why it was done, or else with what, or else what came of it.
fn gist(entry: &AgentRunLog) -> String {
    let thought = entry.thought.clone();
    let thought = thought.or_else(|| entry.tool_input.as_ref().map(arguments));
    let thought = thought.or_else(|| entry.observation.as_ref().map(plain));
    thought.unwrap_or_default()
}

/// `name=value` of what a tool was given.
fn arguments(input: &Map<String, Value>) -> String {
    let pairs = input
        .iter()
        .map(|(name, value)| format!("{name}={}", plain(value)));
    pairs.collect::<Vec<_>>().join(" ")
}

/// A text without quotes, anything else as JSON.
fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entry(json: Value) -> AgentRunLog {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn an_action_shows_its_tool_and_what_it_was_given() {
        let action = entry(json!({
            "agent_run_id": 1, "created_at": "2026-03-01T13:00:00.25+01:00", "message_type": "ACTION",
            "tool_name": "search", "tool_input": {"words": ["half", "open"], "path": "a b"},
            "tool_output": {"found": 3},
        }));
        assert_eq!(line(&action), r#"search path=a b words=["half","open"]"#);
        let dated = dated(&action);
        assert!(
            dated.starts_with("2026-03-01 12:00:00Z  ACTION        search path="),
            "{dated}"
        );
    }

    #[test]
    fn an_entry_without_a_tool_shows_its_kind() {
        let error = entry(json!({
            "agent_run_id": 1, "message_type": "ERROR", "observation": "no such\nplace",
        }));
        assert_eq!(line(&error), "ERROR no such place");
        assert_eq!(dated(&error), "-  ERROR         no such place");
        assert_eq!(line(&AgentRunLog::new(1)), "?");
    }

    #[test]
    fn a_long_entry_is_shortened() {
        let long = entry(json!({"agent_run_id": 1, "thought": "x".repeat(10_000)}));
        assert_eq!(line(&long).chars().count(), LONGEST);
    }
}
