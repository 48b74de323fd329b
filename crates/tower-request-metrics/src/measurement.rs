use std::{fmt, mem, sync::Arc};

use http::{Method, StatusCode};
use metrics::{Gauge, SharedString};
use tokio::time::Instant;

use crate::{
    registry::Registry,
    route::RouteSlot,
    semantics::{BODY_ERROR, CANCELLED, PANIC, Series, ends_at_headers, fold_method},
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
    status: Option<StatusCode>,
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
        let active = registry.active(method);
        active.increment(1.0);
        Self {
            registry: Arc::clone(registry),
            active,
            started: Instant::now(),
            method,
            route: None,
            slot: None,
            status: None,
            remaining: None,
            end: End::Open,
        }
    }

    /// Notes the head of the answer. Gives the measurement back while a body is still to come.
    pub(crate) fn head(mut self, status: StatusCode, length: Option<u64>) -> Option<Self> {
        self.status = Some(status);
        self.remaining = length;
        if ends_at_headers(self.method, status) {
            self.complete();
            return None;
        }
        Some(self)
    }

    pub(crate) fn received(&mut self, bytes: u64) {
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
        let error = match self.end {
            End::Complete => None,
            End::Failed(error) => Some(error),
            End::Open if std::thread::panicking() => Some(PANIC),
            End::Open if self.remaining == Some(0) => None,
            End::Open => Some(CANCELLED),
        };
        let filled = self.slot.take().and_then(|slot| slot.route());
        let series = Series::new(
            self.registry.config.kind,
            self.method,
            filled.or_else(|| self.route.take()),
            self.status,
            error,
        );
        self.registry
            .record(series, self.started.elapsed().as_secs_f64());
    }
}

impl fmt::Debug for Measurement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Measurement")
            .field("method", &self.method)
            .field("started", &self.started)
            .field("status", &self.status)
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
