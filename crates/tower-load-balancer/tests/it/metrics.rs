use metrics_exporter_prometheus::PrometheusBuilder;
use tower::{Service, ServiceExt};
use tower_load_balancer::{Balance, InOrder};

use crate::backend::{backends, set};

#[test]
fn what_goes_wrong_is_counted_under_the_name_of_the_set() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let seen = recorder.handle();
    metrics::with_local_recorder(&recorder, || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let backends = backends(3);
            backends[0].set_failing(true);
            let endpoints = set(&backends).name("search");
            let mut service =
                Balance::new(endpoints.clone(), InOrder).failover(|request: &u64| Some(*request));
            for _ in 0..9 {
                assert!(service.ready().await.expect("ready").call(0).await.is_ok());
            }
            let _ = endpoints.status();
            let page = seen.render();
            for line in [
                "tower_load_balancer_ejections{balancer=\"search\"} 1",
                "tower_load_balancer_failovers{balancer=\"search\"} 5",
                "tower_load_balancer_endpoints{balancer=\"search\"} 3",
                "tower_load_balancer_healthy_endpoints{balancer=\"search\"} 2",
                "tower_load_balancer_panic{balancer=\"search\"} 0",
            ] {
                assert!(page.contains(line), "{line} is not in\n{page}");
            }

            endpoints.replace_all([]);
            assert!(service.ready().await.expect("ready").call(0).await.is_err());
        });
    });
    let page = seen.render();
    let refused = "tower_load_balancer_refused{balancer=\"search\",cause=\"empty\"} 1";
    assert!(page.contains(refused), "{page}");
}
