//! What the facade is told. The recorder is local to the thread, so the tests don't meet.

use metrics_exporter_prometheus::PrometheusBuilder;
use tower::Layer;
use tower_retry_backoff::{Budget, RetryLayer};

use crate::upstream::{Failure, Upstream, attempts, judge, secs, send};

#[test]
fn retries_and_calls_given_up_are_counted_by_upstream_and_reason() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    metrics::with_local_recorder(&recorder, || {
        runtime.block_on(async {
            let layer = RetryLayer::new(judge).upstream("search");
            for (layer, answers) in [
                (layer.clone(), vec![Err(Failure::Passing), Ok(())]),
                (
                    layer.clone().max_attempts(attempts(2)),
                    vec![Err(Failure::Passing); 2],
                ),
                (layer.clone(), vec![Err(Failure::Hinted(secs(61)))]),
                (layer.clone(), vec![Err(Failure::Hinted(secs(40)))]),
                (
                    layer.budget(Budget::new(0.1).reserve(0)),
                    vec![Err(Failure::Passing)],
                ),
            ] {
                let _ = send(&mut layer.layer(Upstream::new(answers)), ()).await;
            }
        });
    });
    let text = recorder.handle().render();
    for line in [
        r#"tower_retry_backoff_retries{upstream="search"} 2"#,
        r#"tower_retry_backoff_gave_up{upstream="search",reason="attempts"} 1"#,
        r#"tower_retry_backoff_gave_up{upstream="search",reason="hint"} 1"#,
        r#"tower_retry_backoff_gave_up{upstream="search",reason="deadline"} 1"#,
        r#"tower_retry_backoff_gave_up{upstream="search",reason="budget"} 1"#,
    ] {
        assert!(
            text.lines().any(|other| other == line),
            "no {line} in\n{text}"
        );
    }
}
