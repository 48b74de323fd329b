use std::{
    collections::{HashMap, hash_map::Entry},
    fmt,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use metrics::{Gauge, Histogram, Key, KeyName, Label, Level, Metadata, Recorder, Unit};

use crate::semantics::{Kind, Series, method_label, overflow_label};

const METADATA: Metadata<'_> = Metadata::new(module_path!(), Level::INFO, Some(module_path!()));

#[derive(Clone)]
pub(crate) struct Config {
    pub(crate) kind: Kind,
    pub(crate) labels: Vec<Label>,
    pub(crate) max_series: usize,
    pub(crate) route_slot: bool,
    pub(crate) recorder: Option<Arc<dyn Recorder + Send + Sync>>,
}

/// The handles of one layer's series, shared by all its services.
pub(crate) struct Registry {
    pub(crate) config: Config,
    handles: RwLock<Handles>,
}

/// Handles are good for the recorder that gave them and no other, so they live and go together.
#[derive(Default)]
struct Handles {
    recorder: Option<usize>,
    active: HashMap<&'static str, Gauge>,
    durations: HashMap<Series, Histogram>,
    overflow: Option<Histogram>,
}

impl Registry {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            config,
            handles: RwLock::default(),
        }
    }

    pub(crate) fn active(&self, method: &'static str) -> Gauge {
        self.with_recorder(|recorder| {
            if let Some(handles) = self.read(recorder)
                && let Some(gauge) = handles.active.get(method)
            {
                return gauge.clone();
            }
            let mut handles = self.write(recorder);
            let gauge = handles.active.entry(method).or_insert_with(|| {
                let key = self.key(self.config.kind.active(), vec![method_label(method)]);
                recorder.register_gauge(&key, &METADATA)
            });
            gauge.clone()
        })
    }

    pub(crate) fn record(&self, series: Series, seconds: f64) {
        self.with_recorder(|recorder| {
            if let Some(handles) = self.read(recorder)
                && let Some(histogram) = handles.duration(&series)
            {
                return histogram.record(seconds);
            }
            let mut handles = self.write(recorder);
            let Handles {
                durations,
                overflow,
                ..
            } = &mut *handles;
            let full = durations.len() >= self.config.max_series;
            let register = |labels| {
                let key = self.key(self.config.kind.duration(), labels);
                recorder.register_histogram(&key, &METADATA)
            };
            let histogram = match durations.entry(series) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(_) if full => {
                    overflow.get_or_insert_with(|| register(vec![overflow_label()]))
                }
                Entry::Vacant(new) => {
                    let labels = new.key().labels(self.config.kind);
                    new.insert(register(labels))
                }
            };
            histogram.record(seconds);
        });
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
            self.describe(recorder);
            handles.recorder = Some(address(recorder));
        }
        handles
    }

    fn describe(&self, recorder: &dyn Recorder) {
        let kind = self.config.kind;
        recorder.describe_histogram(
            KeyName::from_const_str(kind.duration()),
            Some(Unit::Seconds),
            kind.duration_help().into(),
        );
        recorder.describe_gauge(
            KeyName::from_const_str(kind.active()),
            Some(Unit::Count),
            kind.active_help().into(),
        );
    }

    fn key(&self, name: &'static str, mut labels: Vec<Label>) -> Key {
        labels.extend_from_slice(&self.config.labels);
        Key::from_parts(name, labels)
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
    fn duration(&self, series: &Series) -> Option<&Histogram> {
        // There is an overflow only once there is no room, and room never comes back.
        self.durations.get(series).or(self.overflow.as_ref())
    }
}

fn address(recorder: &dyn Recorder) -> usize {
    std::ptr::from_ref(recorder).cast::<()>().addr()
}
