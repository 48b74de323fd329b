//! May they: turns the organization of the path into an [`OrgScope`](super::OrgScope).

use axum::{
    Extension,
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{error::ApiError, extract::required_path_integer, principal::Principal};

/// Puts the caller's scope into the request's extensions, or answers 403.
///
/// An organization that does not exist and one the caller is no member of look the same.
pub(crate) async fn authorize(
    Extension(principal): Extension<Principal>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let organization_id = match required_path_integer(&parts, "org_id") {
        Ok(id) => id,
        Err(error) => return error.into_response(),
    };
    let Some(scope) = principal.scope(organization_id) else {
        return ApiError::Forbidden.into_response();
    };
    parts.extensions.insert(scope);
    next.run(Request::from_parts(parts, body)).await
}
