//! Routes for whoever runs the server: outside authentication and limits.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};

use super::{
    routes::{Answer, App, NEVER, json},
    store::Store,
};

/// `GET /v1/health`: 200 while the database answers, 503 when it does not.
pub(crate) async fn health<St: Store>(State(app): State<Arc<App<St>>>) -> Response {
    let database = match app.store.ping().await {
        Ok(()) => "healthy",
        Err(error) => {
            tracing::warn!(%error, "health");
            "unavailable"
        }
    };
    let healthy = database == "healthy";
    let body = serde_json::json!({
        "status": if healthy { "healthy" } else { "degraded" },
        // Six digits and a numeric offset, as in every other answer: old readers take no others.
        "timestamp": jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string(),
        "version": env!("CARGO_PKG_VERSION"),
        "database_status": database,
        "dependencies": {"database": database},
    });
    let status = if healthy {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (status, headers, body.to_string()).into_response()
}

/// `GET /v1/stats`: the last minute of this process, as a whole and per route.
pub(crate) async fn stats<St: Store>(State(app): State<Arc<App<St>>>) -> Answer {
    json(&app.stats.snapshot(), NEVER)
}

/// `GET /metrics`: Prometheus text.
pub(crate) async fn metrics<St: Store>(State(app): State<Arc<App<St>>>) -> Response {
    let text = "text/plain; version=0.0.4; charset=utf-8";
    let headers = [(header::CONTENT_TYPE, HeaderValue::from_static(text))];
    (headers, (app.config.render_metrics)()).into_response()
}
