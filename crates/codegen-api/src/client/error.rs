use std::{
    fmt,
    time::{Duration, SystemTime},
};

use http::{HeaderMap, StatusCode};
use serde_json::{Value, error::Category};
use tower_retry_backoff::http::retry_after;

use crate::{config::ConfigError, model::AgentRun};

type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why an operation failed.
///
/// Holds what a caller needs to act or to report: the [`kind`](Self::kind), the status, the
/// server's message, the request id, how often it was tried and when to come back. Never a token
/// or a body.
#[derive(Debug)]
pub struct Error(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    operation: &'static str,
    message: String,
    status: Option<StatusCode>,
    request_id: Option<String>,
    attempts: u32,
    elapsed: Duration,
    retry_after: Option<Duration>,
    source: Option<Source>,
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A setting is missing or cannot be used. Nothing was sent.
    Configuration(ConfigError),
    /// The request is not valid: found here before sending, or by the server (422).
    Validation(Vec<FieldError>),
    /// The token is missing or wrong (401).
    Authentication,
    /// The caller may not do this (403).
    Permission,
    /// The plan's runs are used up (402).
    PaymentRequired,
    /// There is no such thing (404).
    NotFound,
    /// It contradicts what is there (409).
    Conflict,
    /// The limit is reached: the server's (429), or the own one without a chance to get a turn in
    /// time.
    RateLimited,
    /// The server refused the request for another reason: the rest of 4xx, and redirects, which
    /// are not followed.
    Refused,
    /// The server failed (5xx).
    Server,
    /// It took too long: an attempt, or the whole operation.
    Timeout,
    /// The server could not be reached, or the connection broke.
    Network,
    /// The circuit breaker is open; nothing was sent.
    CircuitOpen,
    /// The answer could not be read.
    Decode,
    /// The run was still going when the wait ended; this is how it stood.
    NotFinished(Box<AgentRun>),
}

/// One thing that is wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FieldError {
    /// Where: `prompt`, `query.limit`.
    pub field: String,
    /// What.
    pub message: String,
}

impl FieldError {
    /// `field` is wrong in the way of `message`.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            message: message.into(),
        }
    }
}

impl Error {
    pub(super) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            operation: "",
            message: message.into(),
            status: None,
            request_id: None,
            attempts: 0,
            elapsed: Duration::ZERO,
            retry_after: None,
            source: None,
        }))
    }

    /// The error an answer without success stands for.
    pub(super) fn from_answer(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let kind = match status.as_u16() {
            401 => ErrorKind::Authentication,
            402 => ErrorKind::PaymentRequired,
            403 => ErrorKind::Permission,
            404 => ErrorKind::NotFound,
            408 | 504 => ErrorKind::Timeout,
            409 => ErrorKind::Conflict,
            422 => ErrorKind::Validation(field_errors(&body)),
            429 => ErrorKind::RateLimited,
            500..=599 => ErrorKind::Server,
            _ => ErrorKind::Refused,
        };
        let text = ["message", "detail", "error", "title"]
            .into_iter()
            .find_map(|key| body.get(key)?.as_str())
            .unwrap_or(status.canonical_reason().unwrap_or("no message"));
        let mut error = Self::new(kind, shorten(text)).answered(status, headers);
        error.0.retry_after = retry_after(headers, SystemTime::now());
        error
    }

    /// The error of an answer that does not read as what `operation` gives. The parser's own error
    /// is left out: it quotes the answer.
    pub(super) fn misread(
        operation: &str,
        status: StatusCode,
        headers: &HeaderMap,
        error: &serde_json::Error,
    ) -> Self {
        let message = format!(
            "the answer does not read as {operation}: {} (line {}, column {})",
            misfit(error),
            error.line(),
            error.column()
        );
        Self::new(ErrorKind::Decode, message).answered(status, headers)
    }

    fn answered(mut self, status: StatusCode, headers: &HeaderMap) -> Self {
        self.0.status = Some(status);
        self.0.request_id = request_id(headers);
        self
    }

    pub(super) fn during(
        mut self,
        operation: &'static str,
        attempts: u32,
        elapsed: Duration,
    ) -> Self {
        self.0.operation = operation;
        self.0.attempts = attempts;
        self.0.elapsed = elapsed;
        self
    }

    pub(super) fn retry_in(mut self, after: Duration) -> Self {
        self.0.retry_after = Some(after);
        self
    }

    pub(super) fn caused_by(mut self, source: impl Into<Source>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The value of the metrics label `error.type`.
    pub(super) fn label(&self) -> &'static str {
        match self.0.kind {
            ErrorKind::Timeout => "timeout",
            ErrorKind::Network => "network",
            ErrorKind::CircuitOpen => "circuit_open",
            ErrorKind::RateLimited => "rate_limited",
            ErrorKind::Decode => "decode",
            _ => "_OTHER",
        }
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// The operation's name, such as `create_run`.
    #[must_use]
    pub fn operation(&self) -> &'static str {
        self.0.operation
    }

    /// The server's message, or ours.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The status of the last answer, if there was one.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        self.0.status
    }

    /// The id under which the server knows the last attempt.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// How often it was sent. 0 when it never was.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// How long it took with all attempts and waits.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed
    }

    /// When to come back, if the server or the own limiter or breaker said so.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Whether the same operation may succeed later without a change.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(
            self.0.kind,
            ErrorKind::RateLimited
                | ErrorKind::Server
                | ErrorKind::Timeout
                | ErrorKind::Network
                | ErrorKind::CircuitOpen
                | ErrorKind::NotFinished(_)
        )
    }

    /// How the run stood when a wait for it ended.
    #[must_use]
    pub fn last_run(&self) -> Option<&AgentRun> {
        match &self.0.kind {
            ErrorKind::NotFinished(run) => Some(run),
            _ => None,
        }
    }
}

impl From<ConfigError> for Error {
    fn from(error: ConfigError) -> Self {
        let message = error.to_string();
        Self::new(ErrorKind::Configuration(error), message)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        if !inner.operation.is_empty() {
            write!(f, "{}: ", inner.operation)?;
        }
        f.write_str(&inner.message)?;
        if let ErrorKind::Validation(fields) = &inner.kind {
            for FieldError { field, message } in fields {
                write!(f, "; {field}: {message}")?;
            }
        }
        if let Some(status) = inner.status {
            write!(f, " (status {}", status.as_u16())?;
            if let Some(id) = &inner.request_id {
                write!(f, ", request {id}")?;
            }
            f.write_str(")")?;
        }
        if inner.attempts > 1 {
            write!(f, " after {} attempts", inner.attempts)?;
        }
        if let Some(after) = inner.retry_after {
            write!(f, ", come back in {after:.1?}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

pub(super) fn request_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get("x-request-id")?.to_str().ok()?;
    Some(shorten(id))
}

/// What is wrong with an answer, in words of the expected type alone.
fn misfit(error: &serde_json::Error) -> String {
    match error.classify() {
        Category::Io | Category::Eof => "it breaks off".to_owned(),
        Category::Syntax => "it is not JSON".to_owned(),
        Category::Data => {
            let text = error.to_string();
            let text = text
                .rsplit_once(" at line ")
                .map_or(&*text, |(text, _)| text);
            // serde's own wordings: what was found comes first, what was expected last.
            let found = ["invalid type: ", "invalid value: ", "invalid length "];
            let expected = text
                .rsplit_once(", expected ")
                .filter(|_| found.iter().any(|wording| text.starts_with(wording)));
            match expected {
                Some((_, expected)) => format!("expected {}", shorten(expected)),
                None if text.starts_with("missing field ") => shorten(text),
                None => "a value does not fit".to_owned(),
            }
        }
    }
}

/// The `detail` list of a 422.
fn field_errors(body: &Value) -> Vec<FieldError> {
    let entries = body.get("detail").and_then(Value::as_array);
    entries
        .into_iter()
        .flatten()
        .map(|entry| {
            let place = entry.get("loc").and_then(Value::as_array);
            let names = place.into_iter().flatten().map(|part| match part {
                Value::String(name) => name.clone(),
                other => other.to_string(),
            });
            let names: Vec<_> = names.collect();
            // What is in the body goes by its own name, as in the builders.
            let names = names.strip_prefix(&["body".to_owned()]).unwrap_or(&names);
            let message = entry
                .get("msg")
                .and_then(Value::as_str)
                .unwrap_or("not valid");
            FieldError::new(shorten(&names.join(".")), shorten(message))
        })
        .collect()
}

/// The server's text, bounded and on one line: it ends up in logs.
fn shorten(text: &str) -> String {
    const LONGEST: usize = 300;
    let mut short: String = text.chars().take(LONGEST).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short.replace(|c: char| c.is_control(), " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Error {
        let headers = HeaderMap::from_iter([
            (http::header::RETRY_AFTER, "7".parse().unwrap()),
            ("x-request-id".parse().unwrap(), "abc".parse().unwrap()),
        ]);
        Error::from_answer(
            StatusCode::from_u16(status).unwrap(),
            &headers,
            body.as_bytes(),
        )
    }

    #[test]
    fn every_status_has_its_kind() {
        for (status, kind) in [
            (400, ErrorKind::Refused),
            (401, ErrorKind::Authentication),
            (402, ErrorKind::PaymentRequired),
            (403, ErrorKind::Permission),
            (404, ErrorKind::NotFound),
            (409, ErrorKind::Conflict),
            (413, ErrorKind::Refused),
            (429, ErrorKind::RateLimited),
            (500, ErrorKind::Server),
            (503, ErrorKind::Server),
            (504, ErrorKind::Timeout),
        ] {
            assert_eq!(*answer(status, "").kind(), kind, "{status}");
        }
    }

    #[test]
    fn the_answer_says_why_and_when_to_come_back() {
        let error = answer(429, r#"{"message":"slow\ndown","status_code":429}"#);
        let error = error.during("get_run", 3, Duration::from_secs(1));
        assert_eq!(error.message(), "slow down");
        assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
        assert_eq!(error.request_id(), Some("abc"));
        let text = "get_run: slow down (status 429, request abc) after 3 attempts, \
            come back in 7.0s";
        assert_eq!(error.to_string(), text);
    }

    #[test]
    fn the_fields_of_a_422_are_named() {
        let body = r#"{"detail":[{"loc":["body","prompt"],"msg":"Field required","type":"missing"},
            {"loc":["query","limit"],"msg":"too large","type":"x"}]}"#;
        let ErrorKind::Validation(fields) = answer(422, body).kind().clone() else {
            panic!("not a validation error");
        };
        assert_eq!(fields[0], FieldError::new("prompt", "Field required"));
        assert_eq!(fields[1], FieldError::new("query.limit", "too large"));
    }

    #[test]
    fn an_answer_that_is_no_json_is_still_an_error_with_a_message() {
        let error = answer(502, "<html>");
        assert_eq!(error.message(), "Bad Gateway");
    }
}
