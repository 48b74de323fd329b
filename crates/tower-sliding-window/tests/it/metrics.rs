use std::{convert::Infallible, time::Duration};

use metrics_exporter_prometheus::PrometheusBuilder;
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_sliding_window::{RateLimitLayer, Wait};

use crate::oracle::quota;

#[test]
fn decisions_and_waits_are_counted_by_limiter() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    metrics::with_local_recorder(&recorder, || {
        runtime.block_on(async {
            let layer = RateLimitLayer::new(|_: &()| Some(()), quota(1, Duration::from_secs(1)))
                .named("api");
            let inner = || service_fn(|()| async { Ok::<_, Infallible>(()) });
            let mut rejecting = layer.clone().layer(inner());
            rejecting.ready().await.unwrap().call(()).await.unwrap();
            rejecting.ready().await.unwrap().call(()).await.unwrap_err();
            let mut shadow = layer.clone().shadow().layer(inner());
            shadow.ready().await.unwrap().call(()).await.unwrap();
            let mut waiting = layer.wait(Wait::new(Duration::MAX)).layer(inner());
            waiting.ready().await.unwrap().call(()).await.unwrap();
        });
    });
    let text = handle.render();
    for line in [
        r#"tower_sliding_window_requests{limiter="api",outcome="admitted"} 2"#,
        r#"tower_sliding_window_requests{limiter="api",outcome="denied"} 1"#,
        r#"tower_sliding_window_requests{limiter="api",outcome="shadowed"} 1"#,
        r#"tower_sliding_window_waited{limiter="api"} 1"#,
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
}
