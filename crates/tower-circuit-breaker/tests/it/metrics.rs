//! What the facade is told. The recorder is local to the thread, so the tests don't meet.

use metrics_exporter_prometheus::PrometheusBuilder;
use tower_circuit_breaker::CircuitBreakerLayer;

use crate::scripted::{End, Scripted, touchy};

fn rendered(run: impl FnOnce(CircuitBreakerLayer)) -> String {
    let recorder = PrometheusBuilder::new().build_recorder();
    metrics::with_local_recorder(&recorder, || run(touchy().name("search")));
    recorder.handle().render()
}

fn has(text: &str, line: &str) {
    assert!(
        text.lines().any(|other| other == line),
        "no {line} in\n{text}"
    );
}

#[tokio::test(start_paused = true)]
async fn changes_refusals_and_late_results_are_counted() {
    let text = rendered(|layer| {
        let mut service = Scripted::new(layer);
        let late = service.start().unwrap();
        service.make(End::Failure);
        assert!(service.start().is_err() && service.start().is_err());
        late.end(End::Failure);
        std::mem::forget(service);
    });
    has(
        &text,
        r#"tower_circuit_breaker_changes{circuit="search",to="open"} 1"#,
    );
    has(
        &text,
        r#"tower_circuit_breaker_refused{circuit="search",cause="consecutive failures"} 2"#,
    );
    has(
        &text,
        r#"tower_circuit_breaker_late_results{circuit="search"} 1"#,
    );
    has(&text, r#"tower_circuit_breaker_shut{circuit="search"} 1"#);
}

#[tokio::test(start_paused = true)]
async fn a_circuit_that_closes_or_is_gone_is_not_shut() {
    let text = rendered(|layer| {
        let mut service = Scripted::new(layer);
        service.make(End::Failure);
        service.circuit.isolate();
        service.circuit.reset();
        service.circuit.isolate();
    });
    has(&text, r#"tower_circuit_breaker_shut{circuit="search"} 0"#);
    has(
        &text,
        r#"tower_circuit_breaker_changes{circuit="search",to="isolated"} 2"#,
    );
}
