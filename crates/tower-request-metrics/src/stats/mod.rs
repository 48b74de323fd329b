//! Figures of the last minute, kept in the process.

mod histogram;
mod snapshot;
mod window;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use metrics::SharedString;
use tokio::time::Instant;

pub use self::snapshot::{Figures, Latency, RouteFigures, Snapshot};
use self::{histogram::Merged, window::Window};

const MAX_ROUTES: usize = 128;

/// The last minute of a layer's requests, readable in the process: rate, error rate, percentiles,
/// in flight, as a whole and per route.
///
/// Given to [`RequestMetricsLayer::stats`](crate::RequestMetricsLayer::stats); clones share their
/// figures, and several layers may add to one. No recorder is needed.
///
/// ```
/// use std::time::Duration;
///
/// use tower_request_metrics::{RequestMetricsLayer, Stats};
///
/// let stats = Stats::new(Duration::from_secs(60));
/// let layer = RequestMetricsLayer::server().stats(&stats);
///
/// // Later, on a status page:
/// let snapshot = stats.snapshot();
/// assert_eq!(snapshot.total.requests, 0);
/// println!("{snapshot}");
/// # let _ = layer;
/// ```
///
/// # Cost
///
/// To record is one addition to a counter, without a lock but for the first request of a sixth of
/// the window. A route takes 24 KiB, at most [`max_routes`](Self::max_routes) do. A snapshot reads
/// all of it, about 2 us for each route.
#[derive(Clone)]
pub struct Stats(Arc<Shared>);

struct Shared {
    window: Duration,
    started: Instant,
    max_routes: usize,
    in_flight: AtomicUsize,
    routes: Mutex<Routes>,
}

/// Windows are added and never taken away, so the layers can keep them.
#[derive(Default)]
struct Routes {
    known: BTreeMap<(&'static str, Option<SharedString>), Arc<Window>>,
    other: Option<Arc<Window>>,
}

impl Stats {
    /// Figures over a window that slides in sixths: a snapshot covers the running sixth and the
    /// five before it. A window below six nanoseconds is taken as that.
    #[must_use]
    pub fn new(window: Duration) -> Self {
        Self::with(window, MAX_ROUTES)
    }

    /// At most this many pairs of method and route are told apart, default 128; requests of others
    /// are counted together, in [`Snapshot::other`].
    ///
    /// This makes figures of their own: it is for a `Stats` no layer has yet.
    #[must_use]
    pub fn max_routes(self, max_routes: usize) -> Self {
        Self::with(self.0.window, max_routes)
    }

    fn with(window: Duration, max_routes: usize) -> Self {
        Self(Arc::new(Shared {
            window,
            started: Instant::now(),
            max_routes,
            in_flight: AtomicUsize::new(0),
            routes: Mutex::default(),
        }))
    }

    /// What happened in the window that ends now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let age = self.0.started.elapsed();
        let (known, other) = {
            let routes = self.routes();
            let known = routes.known.iter();
            let known: Vec<_> = known
                .map(|(key, window)| (key.clone(), Arc::clone(window)))
                .collect();
            (known, routes.other.clone())
        };
        let mut total = Merged::default();
        let covered = window::covered(self.0.window, age);
        let mut read = |window: &Window| {
            let merged = window.merged(age);
            total.add(&merged);
            Figures::new(&merged, covered)
        };
        let mut routes: Vec<_> = known
            .iter()
            .map(|((method, route), window)| RouteFigures {
                method,
                route: route.as_ref().map(ToString::to_string),
                figures: read(window),
            })
            .filter(|route| route.figures.requests > 0)
            .collect();
        routes.sort_by_key(|route| std::cmp::Reverse(route.figures.requests));
        let other = other.map(|window| read(&window));
        Snapshot {
            window: covered,
            in_flight: self.0.in_flight.load(Ordering::Relaxed),
            total: Figures::new(&total, covered),
            routes,
            other: other.filter(|figures| figures.requests > 0),
        }
    }

    pub(crate) fn begin(&self) {
        self.0.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn end(&self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    /// Where the requests of this route are recorded.
    pub(crate) fn route(&self, method: &'static str, route: Option<SharedString>) -> RouteStats {
        let mut routes = self.routes();
        let full = routes.known.len() >= self.0.max_routes;
        let key = (method, route);
        if full && !routes.known.contains_key(&key) {
            drop(routes);
            return self.other();
        }
        let window = routes.known.entry(key);
        let window = window.or_insert_with(|| Arc::new(Window::new(self.0.window)));
        self.to(window)
    }

    /// Where the requests without a place of their own are recorded.
    pub(crate) fn other(&self) -> RouteStats {
        let mut routes = self.routes();
        let window = &mut routes.other;
        let window = window.get_or_insert_with(|| Arc::new(Window::new(self.0.window)));
        self.to(window)
    }

    fn to(&self, window: &Arc<Window>) -> RouteStats {
        RouteStats {
            started: self.0.started,
            window: Arc::clone(window),
        }
    }

    fn routes(&self) -> MutexGuard<'_, Routes> {
        // Nothing panics between two changes that belong together.
        self.0.routes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One minute by default: short enough to see a change, long enough for a percentile.
impl Default for Stats {
    fn default() -> Self {
        Self::new(Duration::from_secs(60))
    }
}

impl fmt::Debug for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stats")
            .field("window", &self.0.window)
            .field("max_routes", &self.0.max_routes)
            .field("in_flight", &self.0.in_flight)
            .finish_non_exhaustive()
    }
}

/// The place in a [`Stats`] where the requests of one route go.
pub(crate) struct RouteStats {
    started: Instant,
    window: Arc<Window>,
}

impl RouteStats {
    pub(crate) fn record(&self, now: Instant, latency: Duration, is_error: bool) {
        let age = now.saturating_duration_since(self.started);
        self.window.record(age, latency, is_error);
    }
}
