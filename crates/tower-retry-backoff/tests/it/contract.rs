use tower::Layer;
use tower_conformance::{Probe, Subject, check};
use tower_retry_backoff::{Policy, Retry, RetryLayer, Verdict};

/// Around a service whose failures are retried, or whose requests must not be.
struct Repeats(bool);

#[derive(Clone)]
struct Failures {
    repeat: bool,
}

impl<R, T, E> Policy<R, T, E> for Failures {
    type Tag = ();

    fn tag(&self, _: &R) -> Option<()> {
        self.repeat.then_some(())
    }

    fn verdict(&self, (): &(), result: Result<&T, &E>) -> Verdict {
        result.map_or(Verdict::retry(), |_| Verdict::Done)
    }
}

impl Subject for Repeats {
    type Request = &'static str;
    type Response = &'static str;
    type Service = Retry<Probe<&'static str>, Failures>;

    fn service(&self, inner: Probe<&'static str>) -> Self::Service {
        RetryLayer::new(Failures { repeat: self.0 }).layer(inner)
    }

    fn request(&self) -> &'static str {
        "ping"
    }

    fn response() -> &'static str {
        "pong"
    }
}

#[tokio::test(start_paused = true)]
async fn the_laws_hold_where_failures_are_retried() {
    check(&Repeats(true)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_laws_hold_where_nothing_may_be_repeated() {
    check(&Repeats(false)).await.unwrap();
}
