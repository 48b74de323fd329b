//! Readers for path, query and body that refuse with every fault at once, as 422.

use std::time::Duration;

use axum::{
    body::{Body, HttpBody},
    extract::{FromRequest, FromRequestParts, MatchedPath, Request},
};
use http::{Extensions, Uri, request::Parts};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::{
    error::{ApiError, Issue},
    principal::OrgScope,
    store::Window,
};
use crate::model::{CreateAgentRun, ResumeAgentRun, SourceType};

/// Largest JSON body: room for a few images as data URIs.
pub(crate) const MAX_JSON_BODY: usize = 10 << 20;

/// How long a JSON body may take to arrive.
const BODY_DEADLINE: Duration = Duration::from_secs(10);

/// How deep an object may nest. Readers count levels too (ours gives up after 127), and a list of
/// runs adds three around each object.
const MAX_NESTING: usize = 64;

const NOT_AN_INTEGER: &str =
    "Input should be a valid integer, unable to parse string as an integer";

/// The integer parameter `name` of the path, if it is one.
pub(crate) fn path_integer(uri: &Uri, extensions: &Extensions, name: &str) -> Option<i64> {
    let route = extensions.get::<MatchedPath>()?.as_str();
    // Side by side from their ends: a nested router sees a path without its beginning.
    let mut segments = route.rsplit('/').zip(uri.path().rsplit('/'));
    let (_, value) = segments.find(|(segment, _)| {
        segment
            .strip_prefix('{')
            .and_then(|key| key.strip_suffix('}'))
            == Some(name)
    })?;
    percent_decode_str(value).decode_utf8().ok()?.parse().ok()
}

/// [`path_integer`], or what to answer without one.
pub(crate) fn required_path_integer(parts: &Parts, name: &str) -> Result<i64, ApiError> {
    path_integer(&parts.uri, &parts.extensions, name).ok_or_else(|| {
        let issue = Issue::new("path", name, NOT_AN_INTEGER, "int_parsing");
        ApiError::Invalid(vec![issue])
    })
}

/// The caller's right to act in the organization of the path, put there by the permission layer.
pub(crate) struct Scope(pub(crate) OrgScope);

impl<S: Sync> FromRequestParts<S> for Scope {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        parts
            .extensions
            .get()
            .copied()
            .map(Self)
            .ok_or(ApiError::Forbidden)
    }
}

/// `agent_run_id` of the path.
pub(crate) struct RunId(pub(crate) i64);

impl<S: Sync> FromRequestParts<S> for RunId {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        required_path_integer(parts, "agent_run_id").map(Self)
    }
}

/// `user_id` of the path.
pub(crate) struct UserId(pub(crate) i64);

impl<S: Sync> FromRequestParts<S> for UserId {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        required_path_integer(parts, "user_id").map(Self)
    }
}

/// `skip` and `limit` of the query.
pub(crate) struct ListQuery(pub(crate) Window);

impl<S: Sync> FromRequestParts<S> for ListQuery {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let mut query = Query::new(parts);
        let window = Self(query.window());
        query.done(window)
    }
}

/// `user_id`, `source_type`, `skip` and `limit` of the query.
pub(crate) struct RunQuery {
    pub(crate) user_id: Option<i64>,
    pub(crate) source_type: Option<SourceType>,
    pub(crate) window: Window,
}

impl<S: Sync> FromRequestParts<S> for RunQuery {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let mut query = Query::new(parts);
        let read = Self {
            user_id: query.integer("user_id"),
            source_type: query.source_type("source_type"),
            window: query.window(),
        };
        query.done(read)
    }
}

/// `skip`, `limit` and `reverse` of the query.
pub(crate) struct LogQuery {
    pub(crate) window: Window,
    pub(crate) reverse: bool,
}

impl<S: Sync> FromRequestParts<S> for LogQuery {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let mut query = Query::new(parts);
        let read = Self {
            window: query.window(),
            reverse: query.boolean("reverse").unwrap_or(false),
        };
        query.done(read)
    }
}

/// Reads a query, collecting what is wrong with it. Unknown parameters are ignored; of a doubled
/// one the last counts.
struct Query<'a> {
    text: &'a str,
    issues: Vec<Issue>,
}

impl<'a> Query<'a> {
    fn new(parts: &'a Parts) -> Self {
        Self {
            text: parts.uri.query().unwrap_or_default(),
            issues: Vec::new(),
        }
    }

    fn text(&self, name: &str) -> Option<String> {
        form_urlencoded::parse(self.text.as_bytes())
            .filter(|(key, _)| key == name)
            .last()
            .map(|(_, value)| value.into_owned())
    }

    fn refuse(
        &mut self,
        name: &str,
        msg: impl Into<std::borrow::Cow<'static, str>>,
        kind: &'static str,
    ) {
        self.issues.push(Issue::new("query", name, msg, kind));
    }

    fn integer(&mut self, name: &str) -> Option<i64> {
        let text = self.text(name)?;
        let value = text.trim().parse().ok();
        if value.is_none() {
            self.refuse(name, NOT_AN_INTEGER, "int_parsing");
        }
        value
    }

    fn boolean(&mut self, name: &str) -> Option<bool> {
        let text = self.text(name)?.to_ascii_lowercase();
        match text.as_str() {
            "true" | "1" | "yes" | "on" | "t" | "y" => Some(true),
            "false" | "0" | "no" | "off" | "f" | "n" => Some(false),
            _ => {
                let msg = "Input should be a valid boolean, unable to interpret input";
                self.refuse(name, msg, "bool_parsing");
                None
            }
        }
    }

    fn source_type(&mut self, name: &str) -> Option<SourceType> {
        let text = self.text(name)?;
        let value = SourceType::from(text.as_str());
        // The contract's words are upper case; a query that spells them otherwise is refused.
        if value.is_known() && value.as_str() == text {
            return Some(value);
        }
        self.refuse(
            name,
            "Input should be one of the documented source types",
            "enum",
        );
        None
    }

    fn window(&mut self) -> Window {
        let skip = self.integer("skip").unwrap_or(0);
        if skip < 0 {
            self.refuse(
                "skip",
                "Input should be greater than or equal to 0",
                "greater_than_equal",
            );
        }
        let limit = self.integer("limit").unwrap_or(100);
        if limit < 1 {
            self.refuse(
                "limit",
                "Input should be greater than or equal to 1",
                "greater_than_equal",
            );
        } else if limit > 100 {
            self.refuse(
                "limit",
                "Input should be less than or equal to 100",
                "less_than_equal",
            );
        }
        Window { skip, limit }
    }

    fn done<T>(self, value: T) -> Result<T, ApiError> {
        if self.issues.is_empty() {
            Ok(value)
        } else {
            Err(ApiError::Invalid(self.issues))
        }
    }
}

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
