use axum::extract::{FromRequestParts, MatchedPath};
use http::{Extensions, Uri, request::Parts};
use percent_encoding::percent_decode_str;

use super::NOT_AN_INTEGER;
use crate::server::{
    error::{ApiError, Issue},
    principal::OrgScope,
};

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
