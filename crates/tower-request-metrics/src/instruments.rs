use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use metrics::{Gauge, Histogram, Key, KeyName, Label, Level, Metadata, Recorder, Unit};
use tokio::time::Instant;

use crate::{
    registry::Config,
    semantics::{Series, method_label, overflow_label},
    stats::RouteStats,
};

const METADATA: Metadata<'_> = Metadata::new(module_path!(), Level::INFO, Some(module_path!()));

/// A handle that rested for so many seconds is asked for anew: a recorder may have forgotten its
/// series meanwhile, and what is recorded into a forgotten one is lost.
const RENEW_AFTER: u64 = 10;

/// All there is to record about a request that ended.
pub(crate) struct Observation {
    pub(crate) ended: Instant,
    pub(crate) duration: Duration,
    /// The time to the head of the answer, if it is wanted and there was one.
    pub(crate) head: Option<Duration>,
    /// Bytes of the response body, if there was an answer.
    pub(crate) size: Option<u64>,
    pub(crate) is_error: bool,
}

/// What the requests of one series are recorded with.
pub(crate) struct Instruments {
    duration: Histogram,
    head: Option<Histogram>,
    size: Option<Histogram>,
    stats: Option<RouteStats>,
    pub(crate) used: LastUse,
}

impl Instruments {
    /// Those of this series, or of the overflow.
    pub(crate) fn register(
        recorder: &dyn Recorder,
        config: &Config,
        series: Option<&Series>,
        second: u64,
    ) -> Self {
        let kind = config.kind;
        let labels = series.map_or_else(|| vec![overflow_label()], |series| series.labels(kind));
        let histogram = |name| {
            let key = key(name, labels.clone(), config);
            recorder.register_histogram(&key, &METADATA)
        };
        let stats = config.stats.as_ref().map(|stats| match series {
            Some(series) => stats.route(series.method, series.route.clone()),
            None => stats.other(),
        });
        Self {
            duration: histogram(kind.duration()),
            head: config
                .head_duration
                .then(|| histogram(kind.head_duration())),
            size: config
                .response_size
                .then(|| histogram(kind.response_size())),
            stats,
            used: LastUse(AtomicU64::new(second)),
        }
    }

    pub(crate) fn record(&self, observation: &Observation) {
        self.duration.record(observation.duration);
        if let (Some(histogram), Some(head)) = (&self.head, observation.head) {
            histogram.record(head);
        }
        if let (Some(histogram), Some(size)) = (&self.size, observation.size) {
            histogram.record(size as f64);
        }
        if let Some(stats) = &self.stats {
            stats.record(
                observation.ended,
                observation.duration,
                observation.is_error,
            );
        }
    }
}

/// The gauge of the requests in flight with one method.
pub(crate) struct Active {
    pub(crate) gauge: Gauge,
    pub(crate) used: LastUse,
}

impl Active {
    pub(crate) fn register(
        recorder: &dyn Recorder,
        config: &Config,
        method: &'static str,
        second: u64,
    ) -> Self {
        let key = key(config.kind.active(), vec![method_label(method)], config);
        Self {
            gauge: recorder.register_gauge(&key, &METADATA),
            used: LastUse(AtomicU64::new(second)),
        }
    }
}

/// The second in which a handle was last used.
pub(crate) struct LastUse(AtomicU64);

impl LastUse {
    /// Notes another use, unless the handle has rested for too long.
    pub(crate) fn again(&self, second: u64) -> bool {
        let last = self.0.load(Ordering::Relaxed);
        let is_fresh = second.saturating_sub(last) < RENEW_AFTER;
        // Only once a second: a write takes the line from other threads.
        if is_fresh && second > last {
            self.0.store(second, Ordering::Relaxed);
        }
        is_fresh
    }
}

pub(crate) fn describe(recorder: &dyn Recorder, config: &Config) {
    let kind = config.kind;
    let histogram = |name, unit, help: &'static str| {
        let name = KeyName::from_const_str(name);
        recorder.describe_histogram(name, Some(unit), help.into());
    };
    histogram(kind.duration(), Unit::Seconds, kind.duration_help());
    if config.head_duration {
        let help = "Time from the start of a request to the head of its response.";
        histogram(kind.head_duration(), Unit::Seconds, help);
    }
    if config.response_size {
        let help = "Size of response bodies, as far as they were read.";
        histogram(kind.response_size(), Unit::Bytes, help);
    }
    let active = KeyName::from_const_str(kind.active());
    recorder.describe_gauge(active, Some(Unit::Count), kind.active_help().into());
}

fn key(name: &'static str, mut labels: Vec<Label>, config: &Config) -> Key {
    labels.extend_from_slice(&config.labels);
    Key::from_parts(name, labels)
}
