//! What the Prometheus exporter makes of the names.

use std::sync::Arc;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
use tower_request_metrics::{DURATION_BUCKETS, RequestMetricsLayer};

use crate::scripted::{Script, request, response, send};

#[tokio::test(start_paused = true)]
async fn names_labels_units_and_buckets_are_spelled_as_documented() {
    let recorder = PrometheusBuilder::new()
        .with_recommended_naming(true)
        .set_buckets_for_metric(Matcher::Suffix("duration".into()), &DURATION_BUCKETS)
        .unwrap()
        .build_recorder();
    let handle = recorder.handle();
    let layer = RequestMetricsLayer::server()
        .recorder(Arc::new(recorder))
        .label("url.scheme", "https");
    send(&layer, request("GET"), |_| {
        response(500, Script::default().announcing_end())
    })
    .await;

    let page = handle.render();
    let labels = r#"http_request_method="GET",http_response_status_code="500",error_type="500",url_scheme="https""#;
    for line in [
        "# TYPE http_server_request_duration_seconds histogram",
        "# TYPE http_server_active_requests gauge",
        r#"http_server_active_requests{http_request_method="GET",url_scheme="https"} 0"#,
        &format!(r#"http_server_request_duration_seconds_bucket{{{labels},le="0.005"}} 1"#),
        &format!("http_server_request_duration_seconds_count{{{labels}}} 1"),
    ] {
        assert!(
            page.lines().any(|it| it == line),
            "{line} is not in\n{page}"
        );
    }
}
