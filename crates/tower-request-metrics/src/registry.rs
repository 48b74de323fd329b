use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use foldhash::fast::RandomState;
use metrics::{Gauge, Label, Recorder};
use tokio::time::Instant;

use crate::{
    instruments::{Active, Instruments, Observation, describe},
    semantics::{Kind, Series},
    stats::Stats,
};

#[derive(Clone)]
pub(crate) struct Config {
    pub(crate) kind: Kind,
    pub(crate) labels: Vec<Label>,
    pub(crate) max_series: usize,
    pub(crate) route_slot: bool,
    pub(crate) head_duration: bool,
    pub(crate) response_size: bool,
    pub(crate) grpc: bool,
    pub(crate) stats: Option<Stats>,
    pub(crate) recorder: Option<Arc<dyn Recorder + Send + Sync>>,
}

/// The handles of one layer's series, shared by all its services.
pub(crate) struct Registry {
    pub(crate) config: Config,
    made: Instant,
    handles: RwLock<Handles>,
}

/// Handles are good for the recorder that gave them and no other, so they live and go together.
#[derive(Default)]
struct Handles {
    recorder: Option<usize>,
    active: HashMap<&'static str, Active, RandomState>,
    series: HashMap<Series, Instruments, RandomState>,
    overflow: Option<Instruments>,
}

impl Registry {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            config,
            made: Instant::now(),
            handles: RwLock::default(),
        }
    }

    pub(crate) fn active(&self, method: &'static str, now: Instant) -> Gauge {
        let second = self.second(now);
        self.with_recorder(|recorder| {
            if let Some(handles) = self.read(recorder)
                && let Some(active) = handles.active(method, second)
            {
                return active.gauge.clone();
            }
            let mut handles = self.write(recorder);
            if let Some(active) = handles.active(method, second) {
                return active.gauge.clone();
            }
            let active = Active::register(recorder, &self.config, method, second);
            let gauge = active.gauge.clone();
            handles.active.insert(method, active);
            gauge
        })
    }

    pub(crate) fn record(&self, series: Series, observation: &Observation) {
        let second = self.second(observation.ended);
        self.with_recorder(|recorder| {
            if let Some(handles) = self.read(recorder)
                && let Some(instruments) = handles.instruments(&series, second)
            {
                return instruments.record(observation);
            }
            let mut handles = self.write(recorder);
            if let Some(instruments) = handles.instruments(&series, second) {
                return instruments.record(observation);
            }
            let is_full = handles.series.len() >= self.config.max_series;
            let own = (!is_full || handles.series.contains_key(&series)).then_some(&series);
            let instruments = Instruments::register(recorder, &self.config, own, second);
            instruments.record(observation);
            if own.is_some() {
                handles.series.insert(series, instruments);
            } else {
                handles.overflow = Some(instruments);
            }
        });
    }

    fn second(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.made).as_secs()
    }

    fn with_recorder<T>(&self, use_it: impl FnOnce(&dyn Recorder) -> T) -> T {
        match &self.config.recorder {
            Some(recorder) => use_it(&**recorder),
            None => metrics::with_recorder(use_it),
        }
    }

    /// The handles, if they are of this recorder: one installed after the first request has another
    /// address than the facade's no-op.
    fn read(&self, recorder: &dyn Recorder) -> Option<RwLockReadGuard<'_, Handles>> {
        // No step between two changes of the handles can panic and leave half of one behind.
        let handles = self.handles.read().unwrap_or_else(PoisonError::into_inner);
        (handles.recorder == Some(address(recorder))).then_some(handles)
    }

    fn write(&self, recorder: &dyn Recorder) -> RwLockWriteGuard<'_, Handles> {
        let mut handles = self.handles.write().unwrap_or_else(PoisonError::into_inner);
        if handles.recorder != Some(address(recorder)) {
            *handles = Handles::default();
            describe(recorder, &self.config);
            handles.recorder = Some(address(recorder));
        }
        handles
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("kind", &self.config.kind)
            .field("labels", &self.config.labels)
            .field("max_series", &self.config.max_series)
            .finish_non_exhaustive()
    }
}

impl Handles {
    fn active(&self, method: &'static str, second: u64) -> Option<&Active> {
        let active = self.active.get(method);
        active.filter(|active| active.used.again(second))
    }

    fn instruments(&self, series: &Series, second: u64) -> Option<&Instruments> {
        // There is an overflow only once there is no room, and room never comes back.
        let instruments = self.series.get(series).or(self.overflow.as_ref());
        instruments.filter(|instruments| instruments.used.again(second))
    }
}

fn address(recorder: &dyn Recorder) -> usize {
    std::ptr::from_ref(recorder).cast::<()>().addr()
}
