use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use tower_webhook_hmac::Rejection;

use super::store::StoreError;

/// Everything the server answers instead of what was asked for.
///
/// One shape on the wire: `{"message", "status_code", "detail"}` with `detail` equal to `message`,
/// except 422, whose `detail` is the list of what was wrong. The members of RFC 9457 (`type`,
/// `title`, `status`) stand beside them.
#[derive(Debug)]
pub(crate) enum ApiError {
    /// 401: no credential, or not one of ours.
    Unauthorized(&'static str),
    /// 403: not a member of the organization, or there is no such organization.
    Forbidden,
    /// 404.
    NotFound(&'static str),
    /// 408: the body did not arrive in time.
    SlowBody,
    /// 400: the body broke off.
    BrokenBody,
    /// 413: the body is larger than this many bytes.
    TooLarge(usize),
    /// 422.
    Invalid(Vec<Issue>),
    /// 429, to come back after whole seconds.
    Limited(u64),
    /// 503, to come back after whole seconds.
    Unavailable(&'static str, u64),
    /// 500. What it was is in the log alone.
    Internal,
}

pub(crate) const USER_NOT_FOUND: &str = "User not found.";
pub(crate) const RUN_NOT_FOUND: &str = "Agent run not found.";
pub(crate) const NO_REPOSITORIES: &str =
    "No repos found in the organization. Please add some repos and try again.";

/// One thing that is wrong with a request, in the form the contract documents.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Issue {
    /// Where: `["body", "prompt"]`, `["query", "limit"]`, `["path", "org_id"]`.
    pub(crate) loc: Vec<Value>,
    /// What, for a person.
    pub(crate) msg: Cow<'static, str>,
    /// What, for a program.
    pub(crate) kind: &'static str,
}

impl Issue {
    pub(crate) fn new(
        place: &str,
        field: &str,
        msg: impl Into<Cow<'static, str>>,
        kind: &'static str,
    ) -> Self {
        Self {
            loc: vec![place.into(), field.into()],
            msg: msg.into(),
            kind,
        }
    }
}

impl ApiError {
    fn status(&self) -> StatusCode {
        match self {
            Self::Unauthorized(_) => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::SlowBody => StatusCode::REQUEST_TIMEOUT,
            Self::BrokenBody => StatusCode::BAD_REQUEST,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Limited(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable(..) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn message(&self) -> Cow<'static, str> {
        match self {
            Self::Unauthorized(message)
            | Self::NotFound(message)
            | Self::Unavailable(message, _) => (*message).into(),
            Self::Forbidden => "You do not have access to this organization.".into(),
            Self::SlowBody => "The request body did not arrive in time.".into(),
            Self::BrokenBody => "The request body broke off.".into(),
            Self::TooLarge(limit) => format!("The request body is over {limit} bytes.").into(),
            Self::Invalid(_) => "The request is not valid.".into(),
            Self::Limited(_) => "Rate limit exceeded. Please try again later.".into(),
            Self::Internal => "Internal server error.".into(),
        }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let source = std::error::Error::source(&error).map(ToString::to_string);
        tracing::error!(error = %error, cause = source, "store");
        match error {
            StoreError::Unavailable(_) => {
                Self::Unavailable("The database is not available. Please try again later.", 1)
            }
            StoreError::Internal(_) => Self::Internal,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = self.status();
        let mut response = match &self {
            Self::Invalid(issues) => {
                let detail = issues
                    .iter()
                    .map(|issue| json!({"loc": issue.loc, "msg": issue.msg, "type": issue.kind}))
                    .collect();
                respond(status, &self.message(), Some(detail))
            }
            _ => respond(status, &self.message(), None),
        };
        let headers = response.headers_mut();
        match self {
            Self::Unauthorized(_) => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Self::Limited(seconds) | Self::Unavailable(_, seconds) => {
                headers.insert(header::RETRY_AFTER, seconds.into());
            }
            // What is left of the body would be read as the next request.
            Self::SlowBody | Self::BrokenBody | Self::TooLarge(_) => {
                headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        response
    }
}

/// The envelope, with `detail` in place of the message where one is given.
fn respond(status: StatusCode, message: &str, detail: Option<Value>) -> Response {
    let body = json!({
        "message": message,
        "status_code": status.as_u16(),
        "detail": detail.unwrap_or_else(|| message.into()),
        "type": "about:blank",
        "title": status.canonical_reason(),
        "status": status.as_u16(),
    });
    let mut response = Bytes::from(body.to_string()).into_response();
    *response.status_mut() = status;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    response
}

/// Puts what answers without JSON (the router, a layer, a panic) into the envelope, keeping its
/// status and its headers.
pub(crate) fn envelop(response: Response) -> Response {
    let status = response.status();
    let json = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/json"));
    if json || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let rejection = response
        .extensions()
        .get::<Rejection>()
        .map(ToString::to_string);
    let message = rejection.unwrap_or_else(|| match status {
        StatusCode::NOT_FOUND => "Not found.".to_owned(),
        StatusCode::METHOD_NOT_ALLOWED => "Method not allowed.".to_owned(),
        _ => format!("{}.", status.canonical_reason().unwrap_or("Error")),
    });
    let mut enveloped = respond(status, &message, None);
    for (name, value) in response.headers() {
        if name != header::CONTENT_TYPE && name != header::CONTENT_LENGTH {
            enveloped.headers_mut().append(name, value.clone());
        }
    }
    *enveloped.extensions_mut() = response.into_parts().0.extensions;
    enveloped
}

/// The answer to a panic: it says nothing of what happened, the log does.
pub(crate) fn panicked(panic: &(dyn std::any::Any + Send)) -> Response {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no text");
    tracing::error!(panic = text, "a handler panicked");
    ApiError::Internal.into_response()
}
