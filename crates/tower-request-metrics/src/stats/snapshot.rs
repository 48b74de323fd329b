use std::{fmt, time::Duration};

use super::histogram::Merged;

/// What a [`Stats`](crate::Stats) knows of its window. `Display` is one line for a log.
///
/// With the feature `serde` it serializes; durations are numbers of seconds, and their names end in
/// `_seconds`.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Snapshot {
    /// The time the figures are about: five to six sixths of the window, less while the
    /// [`Stats`](crate::Stats) are younger than that.
    #[cfg_attr(
        feature = "serde",
        serde(rename = "window_seconds", serialize_with = "as_seconds")
    )]
    pub window: Duration,
    /// Requests that have begun and not ended. Their route is known only at their end, so this is a
    /// figure of the whole.
    pub in_flight: usize,
    /// All requests.
    pub total: Figures,
    /// The same per method and route, the busiest first.
    pub routes: Vec<RouteFigures>,
    /// The requests past [`Stats::max_routes`](crate::Stats::max_routes) or
    /// [`RequestMetricsLayer::max_series`](crate::RequestMetricsLayer::max_series), if any.
    pub other: Option<Figures>,
}

/// The figures of one route.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct RouteFigures {
    /// The method, as in the [labels](crate#labels).
    pub method: &'static str,
    /// The route; `None` for requests without one.
    pub route: Option<String>,
    /// What happened to its requests.
    #[cfg_attr(feature = "serde", serde(flatten))]
    pub figures: Figures,
}

/// What happened to requests that ended within the window.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Figures {
    /// How many there were.
    pub requests: u64,
    /// Those that have an [`error.type`](crate#labels).
    pub errors: u64,
    /// Requests per second.
    pub per_second: f64,
    /// Errors among the requests, from 0 to 1; 0 when there were none.
    pub error_rate: f64,
    /// How long they took; `None` when there were none.
    pub latency: Option<Latency>,
}

/// How long requests took, to the end of their response bodies. The percentiles are off by at most
/// 1.6 % from 2 us to an hour; the maximum is exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Latency {
    /// Half of them took no longer.
    #[cfg_attr(
        feature = "serde",
        serde(rename = "p50_seconds", serialize_with = "as_seconds")
    )]
    pub p50: Duration,
    /// 95 of 100 took no longer.
    #[cfg_attr(
        feature = "serde",
        serde(rename = "p95_seconds", serialize_with = "as_seconds")
    )]
    pub p95: Duration,
    /// 99 of 100 took no longer.
    #[cfg_attr(
        feature = "serde",
        serde(rename = "p99_seconds", serialize_with = "as_seconds")
    )]
    pub p99: Duration,
    /// The longest.
    #[cfg_attr(
        feature = "serde",
        serde(rename = "max_seconds", serialize_with = "as_seconds")
    )]
    pub max: Duration,
}

impl Figures {
    pub(super) fn new(merged: &Merged, covered: Duration) -> Self {
        let requests = merged.requests;
        // Counted apart, so that a request still being recorded may be an error already.
        let errors = merged.errors.min(requests);
        // The first request of all would make a rate of thousands.
        let seconds = covered.max(Duration::from_secs(1)).as_secs_f64();
        Self {
            requests,
            errors,
            per_second: requests as f64 / seconds,
            error_rate: errors as f64 / requests.max(1) as f64,
            latency: (requests > 0).then(|| Latency {
                p50: merged.percentile(50),
                p95: merged.percentile(95),
                p99: merged.percentile(99),
                max: merged.max(),
            }),
        }
    }
}

impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in_flight={}", self.total, self.in_flight)
    }
}

impl fmt::Display for RouteFigures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let route = self.route.as_deref().unwrap_or("-");
        write!(f, "{} {route} {}", self.method, self.figures)
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = self.error_rate * 100.0;
        write!(
            f,
            "requests={} rate={:.1}/s errors={percent:.1}%",
            self.requests, self.per_second
        )?;
        self.latency
            .map_or(Ok(()), |latency| write!(f, " {latency}"))
    }
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { p50, p95, p99, max } = self;
        write!(f, "p50={p50:.1?} p95={p95:.1?} p99={p99:.1?} max={max:.1?}")
    }
}

#[cfg(feature = "serde")]
fn as_seconds<S: serde::Serializer>(duration: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_f64(duration.as_secs_f64())
}
