//! `POST /webhooks/github`: deliveries whose signature the layer below has checked.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, header};
use http_body_util::BodyExt;
use serde_json::json;
use tower_webhook_hmac::Verified;

use super::{
    error::{ApiError, Issue},
    routes::App,
    store::{Delivery, Store},
};

/// Keeps the delivery. A delivery that was kept before is answered the same way, so that the
/// sender stops repeating it.
pub(crate) async fn receive<St: Store>(
    State(app): State<Arc<App<St>>>,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let verified = parts.extensions.get::<Verified>();
    let id = required("x-github-delivery", verified.and_then(Verified::delivery))?;
    let event = required("x-github-event", verified.and_then(Verified::event))?;
    let payload = body
        .collect()
        .await
        .map_err(|_| ApiError::BrokenBody)?
        .to_bytes();
    let mut answer = json!({"delivery": id, "event": event});
    let new = app
        .store
        .record_delivery(Delivery { id, event, payload })
        .await?;
    answer["status"] = if new { "accepted" } else { "duplicate" }.into();
    let headers = [(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    )];
    Ok((headers, answer.to_string()).into_response())
}

/// What the layer read from the header `name`, if it is 1 to 200 bytes long.
fn required(name: &'static str, value: Option<&str>) -> Result<String, ApiError> {
    let value = value
        .map(str::trim)
        .filter(|value| (1..=200).contains(&value.len()));
    value.map(str::to_owned).ok_or_else(|| {
        ApiError::Invalid(vec![Issue::new(
            "header",
            name,
            "Field required",
            "missing",
        )])
    })
}
