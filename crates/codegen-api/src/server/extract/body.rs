use std::time::Duration;

use axum::{
    body::{Body, HttpBody},
    extract::{FromRequest, Request},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::{Map, Value};

use crate::{
    model::{CreateAgentRun, ResumeAgentRun},
    server::error::{ApiError, Issue},
};

/// Largest JSON body: room for a few images as data URIs.
const MAX_JSON_BODY: usize = 10 << 20;

/// How long a JSON body may take to arrive.
const BODY_DEADLINE: Duration = Duration::from_secs(10);

/// How deep an object may nest. Readers count levels too (ours gives up after 127), and a list of
/// runs adds three around each object.
const MAX_NESTING: usize = 64;

/// A JSON body read field by field.
pub(crate) struct Json<T>(pub(crate) T);

/// A request body the server reads.
pub(crate) trait FromObject: Sized {
    fn from_object(fields: &mut Fields) -> Option<Self>;
}

impl<S: Sync, T: FromObject> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let bytes = read_body(request.into_body()).await?;
        let malformed = |loc: Vec<Value>, msg: String, kind| {
            ApiError::Invalid(vec![Issue {
                loc,
                msg: msg.into(),
                kind,
            }])
        };
        if bytes.is_empty() {
            return Err(malformed(
                vec!["body".into()],
                "Field required".into(),
                "missing",
            ));
        }
        let value: Value = serde_json::from_slice(&bytes).map_err(|error| {
            let place = vec!["body".into(), error.column().into()];
            malformed(place, "JSON decode error".into(), "json_invalid")
        })?;
        let Value::Object(object) = value else {
            let msg = "Input should be a valid dictionary or object".into();
            return Err(malformed(vec!["body".into()], msg, "model_attributes_type"));
        };
        let mut fields = Fields {
            object,
            issues: Vec::new(),
        };
        match T::from_object(&mut fields) {
            Some(read) if fields.issues.is_empty() => Ok(Self(read)),
            _ => Err(ApiError::Invalid(fields.issues)),
        }
    }
}

async fn read_body(body: Body) -> Result<bytes::Bytes, ApiError> {
    // Refused unread, so that a caller who asks first (`Expect: 100-continue`) need not send it.
    if body.size_hint().lower() > MAX_JSON_BODY as u64 {
        return Err(ApiError::TooLarge(MAX_JSON_BODY));
    }
    let limited = Limited::new(body, MAX_JSON_BODY).collect();
    match tokio::time::timeout(BODY_DEADLINE, limited).await {
        Err(_) => Err(ApiError::SlowBody),
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(ApiError::TooLarge(MAX_JSON_BODY)),
        Ok(Err(_)) => Err(ApiError::BrokenBody),
    }
}

/// The fields of an object body, and what was wrong with those read so far. Unknown fields are
/// ignored; `null` is an absent field.
pub(crate) struct Fields {
    object: Map<String, Value>,
    issues: Vec<Issue>,
}

impl Fields {
    fn take(&mut self, name: &str) -> Option<Value> {
        self.object.remove(name).filter(|value| !value.is_null())
    }

    fn refuse(&mut self, name: &str, msg: &'static str, kind: &'static str) {
        self.issues.push(Issue::new("body", name, msg, kind));
    }

    fn required<T>(&mut self, name: &str, read: fn(&mut Self, &str) -> Option<T>) -> Option<T> {
        if !self.object.contains_key(name) {
            self.refuse(name, "Field required", "missing");
            return None;
        }
        let before = self.issues.len();
        let value = read(self, name);
        if value.is_none() && self.issues.len() == before {
            self.refuse(name, "Input should not be null", "missing");
        }
        value
    }

    fn string(&mut self, name: &str) -> Option<String> {
        match self.take(name)? {
            Value::String(text) => Some(text),
            _ => {
                self.refuse(name, "Input should be a valid string", "string_type");
                None
            }
        }
    }

    fn integer(&mut self, name: &str) -> Option<i64> {
        // Strings of digits count too, as the documented validation is lax there.
        let value = self.take(name)?;
        let read = match &value {
            Value::String(text) => text.trim().parse().ok(),
            other => other.as_i64(),
        };
        if read.is_none() {
            self.refuse(name, "Input should be a valid integer", "int_type");
        }
        read
    }

    fn object(&mut self, name: &str) -> Option<Map<String, Value>> {
        let value = self.take(name)?;
        if nests_deeper(&value, MAX_NESTING) {
            self.refuse(name, "Input should nest at most 64 levels", "too_deep");
            return None;
        }
        match value {
            Value::Object(object) => Some(object),
            _ => {
                self.refuse(name, "Input should be a valid dictionary", "dict_type");
                None
            }
        }
    }

    fn strings(&mut self, name: &str) -> Option<Vec<String>> {
        let value = self.take(name)?;
        let read = serde_json::from_value(value).ok();
        if read.is_none() {
            self.refuse(name, "Input should be a valid list of strings", "list_type");
        }
        read
    }
}

/// Recursion ends: what was read from text nests no deeper than the reader allows.
fn nests_deeper(value: &Value, levels: usize) -> bool {
    let below = levels.checked_sub(1);
    let deeper = |value| below.is_none_or(|levels| nests_deeper(value, levels));
    match value {
        Value::Array(values) => below.is_none() || values.iter().any(deeper),
        Value::Object(object) => below.is_none() || object.values().any(deeper),
        _ => false,
    }
}

impl FromObject for CreateAgentRun {
    fn from_object(fields: &mut Fields) -> Option<Self> {
        let prompt = fields.required("prompt", Fields::string);
        let images = fields.strings("images");
        let metadata = fields.object("metadata");
        let repo_id = fields.integer("repo_id");
        let model = fields.string("model");
        let agent_type = fields.string("agent_type");
        let agent_type = match agent_type.as_deref() {
            None => None,
            Some(word @ ("codegen" | "claude_code")) => Some(word.into()),
            Some(_) => {
                let msg = "Input should be 'codegen' or 'claude_code'";
                fields.refuse("agent_type", msg, "literal_error");
                None
            }
        };
        let mut run = Self::new(prompt?);
        run.images = images;
        run.metadata = metadata;
        run.repo_id = repo_id;
        run.model = model;
        run.agent_type = agent_type;
        Some(run)
    }
}

impl FromObject for ResumeAgentRun {
    fn from_object(fields: &mut Fields) -> Option<Self> {
        let agent_run_id = fields.required("agent_run_id", Fields::integer);
        let prompt = fields.required("prompt", Fields::string);
        let images = fields.strings("images");
        let mut resume = Self::new(agent_run_id?, prompt?);
        resume.images = images;
        Some(resume)
    }
}
