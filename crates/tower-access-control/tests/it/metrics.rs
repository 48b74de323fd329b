//! What the facade is told. The recorder is local to the thread, so the tests don't meet.

use std::{num::NonZeroUsize, time::Duration};

use http::Request;
use metrics_exporter_prometheus::PrometheusBuilder;
use tower_access_control::{AuthenticateLayer, Cached};

use crate::script::{bearer, key, keys, outcome};

#[test]
fn refusals_are_counted_by_code_and_looks_into_the_cache_by_outcome() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    metrics::with_local_recorder(&recorder, || {
        runtime.block_on(async {
            let cached = Cached::new(keys(), NonZeroUsize::MIN, Duration::from_secs(60));
            let layer = AuthenticateLayer::new(cached);
            for _ in 0..3 {
                outcome(&layer, bearer(key(1).expose())).await;
            }
            outcome(&layer, bearer(key(2).expose())).await;
            outcome(&layer, Request::new(())).await;
        });
    });
    let text = recorder.handle().render();
    for line in [
        r#"tower_access_control_cache{outcome="hit"} 2"#,
        r#"tower_access_control_cache{outcome="miss"} 2"#,
        r#"tower_access_control_refused{code="unknown_credential"} 1"#,
        r#"tower_access_control_refused{code="missing_credential"} 1"#,
    ] {
        assert!(
            text.lines().any(|each| each == line),
            "no {line} in\n{text}"
        );
    }
}
