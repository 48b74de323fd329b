//! Who is calling: turns the bearer token of a request into a [`Principal`].

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, header};

use super::{error::ApiError, principal::TokenDigest, routes::App, store::Store};

const MISSING: &str = "Authentication is required. Send 'Authorization: Bearer <token>'.";
const DOUBLED: &str = "More than one Authorization header was sent.";
const WRONG: &str = "The access token is not valid.";

/// Puts the caller's `Principal` into the request's extensions, or answers 401.
///
/// Runs before the body is read and before anything is looked up for the caller.
pub(crate) async fn authenticate<St: Store>(
    State(app): State<Arc<App<St>>>,
    mut request: Request,
    next: Next,
) -> Response {
    let token = match bearer(request.headers()) {
        Ok(token) => TokenDigest::of(token),
        Err(message) => return ApiError::Unauthorized(message).into_response(),
    };
    match app.store.principal(&token).await {
        Ok(Some(principal)) => {
            request.extensions_mut().insert(principal);
            next.run(request).await
        }
        Ok(None) => ApiError::Unauthorized(WRONG).into_response(),
        Err(error) => ApiError::from(error).into_response(),
    }
}

/// The token of exactly one `Authorization: Bearer` header; the scheme in any case (RFC 9110,
/// section 11.1).
fn bearer(headers: &HeaderMap) -> Result<&[u8], &'static str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().ok_or(MISSING)?;
    if values.next().is_some() {
        return Err(DOUBLED);
    }
    let (_, token) = value
        .as_bytes()
        .split_at_checked(7)
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case(b"bearer "))
        .ok_or(MISSING)?;
    match token.trim_ascii() {
        b"" => Err(MISSING),
        token => Ok(token),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        values
            .iter()
            .map(|value| (header::AUTHORIZATION, value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn only_one_bearer_token_counts() {
        assert_eq!(bearer(&headers(&["Bearer abc"])), Ok(&b"abc"[..]));
        assert_eq!(bearer(&headers(&["bEARER  abc "])), Ok(&b"abc"[..]));
        assert_eq!(bearer(&headers(&[])), Err(MISSING));
        assert_eq!(bearer(&headers(&["Bearer "])), Err(MISSING));
        assert_eq!(bearer(&headers(&["Basic abcd"])), Err(MISSING));
        assert_eq!(bearer(&headers(&["Bear"])), Err(MISSING));
        assert_eq!(bearer(&headers(&["Bearer a", "Bearer a"])), Err(DOUBLED));
    }
}
