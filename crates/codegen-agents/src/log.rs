use serde_json::{Value, json};

/// The kind of a [`LogEntry`], in the words of the wire contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MessageType {
    /// The provider used a tool; the three tool fields are set.
    Action,
    /// The last entry of a run that ended with an answer; the observation is set.
    FinalAnswer,
    /// The last entry of a run that ended without one; the observation is set.
    Error,
}

impl MessageType {
    /// The word of the wire contract.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Action => "ACTION",
            Self::FinalAnswer => "FINAL_ANSWER",
            Self::Error => "ERROR",
        }
    }
}

/// One line of a run's log. The run's id and the time are added by the store.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct LogEntry {
    /// What kind of entry this is.
    pub message_type: MessageType,
    /// Why the provider does what it does.
    pub thought: Option<String>,
    /// The tool of an action.
    pub tool_name: Option<String>,
    /// What the tool was given: always a JSON object.
    pub tool_input: Option<Value>,
    /// What the tool gave back: always a JSON object.
    pub tool_output: Option<Value>,
    /// What came of it: a JSON string or object.
    pub observation: Option<Value>,
}

impl LogEntry {
    /// A tool was used. The contract wants objects: any other value becomes `{"value": ...}`.
    #[must_use]
    pub fn action(tool_name: impl Into<String>, input: Value, output: Value) -> Self {
        Self {
            tool_name: Some(tool_name.into()),
            tool_input: Some(object(input)),
            tool_output: Some(object(output)),
            ..Self::empty(MessageType::Action)
        }
    }

    /// The run ended with an answer. The contract wants a string or an object here: any other
    /// value becomes `{"value": ...}`.
    #[must_use]
    pub fn final_answer(observation: Value) -> Self {
        let observation = match observation {
            Value::String(text) => Value::String(text),
            other => object(other),
        };
        Self {
            observation: Some(observation),
            ..Self::empty(MessageType::FinalAnswer)
        }
    }

    /// The run ended without an answer.
    #[must_use]
    pub fn error(message: impl Into<String>) -> Self {
        Self {
            observation: Some(Value::String(message.into())),
            ..Self::empty(MessageType::Error)
        }
    }

    /// The same entry with the reason for it.
    #[must_use]
    pub fn thought(mut self, thought: impl Into<String>) -> Self {
        self.thought = Some(thought.into());
        self
    }

    fn empty(message_type: MessageType) -> Self {
        Self {
            message_type,
            thought: None,
            tool_name: None,
            tool_input: None,
            tool_output: None,
            observation: None,
        }
    }
}

fn object(value: Value) -> Value {
    match value {
        Value::Object(_) => value,
        other => json!({ "value": other }),
    }
}
