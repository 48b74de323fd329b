//! `POST /webhooks/github`: deliveries whose signature the layer below has checked.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, header};
use http_body_util::BodyExt;
use serde_json::json;
use tower_webhook_hmac::{Verified, replay::Replay};

use super::{
    error::{ApiError, Issue},
    routes::App,
    store::{Delivery, Store},
};

/// Keeps the delivery. A delivery that was kept before is answered the same way, so that the
/// sender stops repeating it: one with an id that was there before, or, because the id isn't
/// signed, one whose signature was there before under any id.
pub(crate) async fn receive<St: Store>(
    State(app): State<Arc<App<St>>>,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let verified = parts.extensions.get::<Verified>();
    let id = required("x-github-delivery", verified.and_then(Verified::delivery))?;
    let event = required("x-github-event", verified.and_then(Verified::event))?;
    if parts.extensions.get::<Replay>().is_some() {
        return Ok(answer(&id, &event, "duplicate"));
    }
    let payload = body
        .collect()
        .await
        .map_err(|_| ApiError::BrokenBody)?
        .to_bytes();
    let delivery = Delivery {
        id: id.clone(),
        event: event.clone(),
        payload,
    };
    let new = app.store.record_delivery(delivery).await?;
    let status = if new { "accepted" } else { "duplicate" };
    Ok(answer(&id, &event, status))
}

fn answer(id: &str, event: &str, status: &str) -> Response {
    let answer = json!({"delivery": id, "event": event, "status": status});
    let headers = [(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    )];
    (headers, answer.to_string()).into_response()
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
