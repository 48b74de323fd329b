use std::{fmt, mem, sync::Arc, time::Duration};

use http::{HeaderMap, Method, StatusCode};
use metrics::{Gauge, SharedString};
use tokio::time::Instant;

use crate::{
    grpc::{self, Code},
    instruments::Observation,
    registry::Registry,
    route::RouteSlot,
    semantics::{Answer, BODY_ERROR, CANCELLED, PANIC, Series, ends_at_headers, fold_method},
};

/// One request being measured. It is recorded when this is dropped, wherever that happens, and
/// therefore exactly once.
pub(crate) struct Measurement {
    registry: Arc<Registry>,
    active: Gauge,
    started: Instant,
    method: &'static str,
    pub(crate) route: Option<SharedString>,
    pub(crate) slot: Option<RouteSlot>,
    answer: Answer,
    is_grpc: bool,
    /// The time to the head of the answer, if it is wanted.
    head: Option<Duration>,
    /// Bytes of the body so far.
    size: u64,
    /// Bytes of the body still to come, where its length was announced: a server stops polling at
    /// the last of them and drops the body without having seen its end.
    remaining: Option<u64>,
    end: End,
}

enum End {
    /// Not seen, so far or ever.
    Open,
    Complete,
    Failed(&'static str),
}

impl Measurement {
    pub(crate) fn start(registry: &Arc<Registry>, method: &Method) -> Self {
        let method = fold_method(method);
        let started = Instant::now();
        let active = registry.active(method, started);
        active.increment(1.0);
        if let Some(stats) = &registry.config.stats {
            stats.begin();
        }
        Self {
            registry: Arc::clone(registry),
            active,
            started,
            method,
            route: None,
            slot: None,
            answer: Answer::default(),
            is_grpc: false,
            head: None,
            size: 0,
            remaining: None,
            end: End::Open,
        }
    }

    /// Notes the head of the answer. Gives the measurement back while a body is still to come.
    pub(crate) fn head(
        mut self,
        status: StatusCode,
        headers: &HeaderMap,
        length: Option<u64>,
    ) -> Option<Self> {
        self.answer.status = Some(status);
        self.remaining = length;
        let config = &self.registry.config;
        self.head = config.head_duration.then(|| self.started.elapsed());
        self.is_grpc = config.grpc && grpc::is_grpc(headers);
        self.status_of_grpc(headers);
        if ends_at_headers(self.method, status) {
            self.complete();
            return None;
        }
        Some(self)
    }

    pub(crate) fn status_of_grpc(&mut self, headers: &HeaderMap) {
        if self.is_grpc {
            self.answer.grpc = Code::of(headers).or(self.answer.grpc);
        }
    }

    pub(crate) fn received(&mut self, bytes: u64) {
        self.size = self.size.saturating_add(bytes);
        self.remaining = self.remaining.map(|rest| rest.saturating_sub(bytes));
    }

    pub(crate) fn complete(mut self) {
        self.end = End::Complete;
    }

    pub(crate) fn fail(mut self, error: &'static str) {
        self.end = End::Failed(error);
    }

    pub(crate) fn fail_body(self) {
        self.fail(BODY_ERROR);
    }
}

impl Drop for Measurement {
    fn drop(&mut self) {
        self.active.decrement(1.0);
        let config = &self.registry.config;
        if let Some(stats) = &config.stats {
            stats.end();
        }
        let error = match self.end {
            End::Complete => None,
            End::Failed(error) => Some(error),
            End::Open if std::thread::panicking() => Some(PANIC),
            End::Open if self.remaining == Some(0) => None,
            End::Open => Some(CANCELLED),
        };
        if self.is_grpc && error.is_none() {
            // It must not be missing from a whole answer.
            self.answer.grpc.get_or_insert(Code::UNKNOWN);
        }
        let filled = self.slot.take().and_then(|slot| slot.route());
        let route = filled.or_else(|| self.route.take());
        let series = Series::new(config.kind, self.method, route, self.answer, error);
        let ended = Instant::now();
        let observation = Observation {
            ended,
            duration: ended.saturating_duration_since(self.started),
            head: self.head,
            size: self.answer.status.map(|_| self.size),
            is_error: series.is_error(),
        };
        self.registry.record(series, &observation);
    }
}

impl fmt::Debug for Measurement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Measurement")
            .field("method", &self.method)
            .field("started", &self.started)
            .field("status", &self.answer.status)
            .finish_non_exhaustive()
    }
}

/// Runs `poll` and, if it panics, ends the measurement while the panic still unwinds: a layer that
/// catches it may keep the future and drop it later, which would count as cancelled.
pub(crate) fn ended_by_panic<T>(
    measurement: &mut Option<Measurement>,
    poll: impl FnOnce() -> T,
) -> T {
    let sentinel = EndOnUnwind(measurement);
    let polled = poll();
    mem::forget(sentinel);
    polled
}

struct EndOnUnwind<'a>(&'a mut Option<Measurement>);

impl Drop for EndOnUnwind<'_> {
    fn drop(&mut self) {
        self.0.take();
    }
}
