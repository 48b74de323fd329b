//! A recorder that remembers everything, and counts how often it was asked for a handle.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};

use metrics::{
    Counter, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, Unit,
};

#[derive(Clone, Default)]
pub(crate) struct Memory(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    durations: BTreeMap<String, Vec<f64>>,
    gauges: BTreeMap<String, f64>,
    described: BTreeMap<String, Option<Unit>>,
    handles: usize,
    age: usize,
}

impl Memory {
    /// A recorder as the layer takes it, sharing this memory.
    pub(crate) fn recorder(&self) -> Arc<dyn Recorder + Send + Sync> {
        Arc::new(self.clone())
    }

    /// Every series with the number of its observations, as `name{label=value,...} n`.
    pub(crate) fn counts(&self) -> Vec<String> {
        let state = self.state();
        let durations = state.durations.iter();
        durations
            .map(|(series, values)| format!("{series} {}", values.len()))
            .collect()
    }

    /// All durations, whatever their series.
    pub(crate) fn seconds(&self) -> Vec<f64> {
        self.state().durations.values().flatten().copied().collect()
    }

    /// All gauges added up, after a check that none is below zero.
    pub(crate) fn in_flight(&self) -> f64 {
        let state = self.state();
        assert!(state.gauges.values().all(|&value| value >= 0.0));
        state.gauges.values().sum()
    }

    /// The values of one histogram, whatever their labels.
    pub(crate) fn values(&self, name: &str) -> Vec<f64> {
        let state = self.state();
        let series = state.durations.iter();
        series
            .filter(|(series, _)| series.split('{').next() == Some(name))
            .flat_map(|(_, values)| values.clone())
            .collect()
    }

    /// Forgets all series, as an exporter does with idle ones: handles given out before lead
    /// nowhere.
    pub(crate) fn forget(&self) {
        let mut state = self.state();
        state.durations.clear();
        state.gauges.clear();
        state.age += 1;
    }

    pub(crate) fn gauges(&self) -> Vec<String> {
        self.state().gauges.keys().cloned().collect()
    }

    pub(crate) fn described(&self) -> BTreeMap<String, Option<Unit>> {
        self.state().described.clone()
    }

    pub(crate) fn handles(&self) -> usize {
        self.state().handles
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }
}

fn spelled(key: &Key) -> String {
    let mut labels: Vec<_> = key
        .labels()
        .map(|label| format!("{}={}", label.key(), label.value()))
        .collect();
    labels.sort();
    format!("{}{{{}}}", key.name(), labels.join(","))
}

struct Handle {
    memory: Memory,
    age: usize,
    series: String,
}

impl Handle {
    fn new(memory: &Memory, key: &Key) -> Arc<Self> {
        let mut state = memory.state();
        state.handles += 1;
        Arc::new(Self {
            age: state.age,
            memory: memory.clone(),
            series: spelled(key),
        })
    }

    fn add(&self, value: f64) {
        let mut state = self.memory.state();
        if state.age != self.age {
            return;
        }
        *state.gauges.entry(self.series.clone()).or_default() += value;
    }
}

impl GaugeFn for Handle {
    fn increment(&self, value: f64) {
        self.add(value);
    }

    fn decrement(&self, value: f64) {
        self.add(-value);
    }

    fn set(&self, _: f64) {
        unreachable!("a gauge of requests in flight is never set");
    }
}

impl HistogramFn for Handle {
    fn record(&self, value: f64) {
        let mut state = self.memory.state();
        if state.age != self.age {
            return;
        }
        let values = state.durations.entry(self.series.clone()).or_default();
        values.push(value);
    }
}

impl Recorder for Memory {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, name: KeyName, unit: Option<Unit>, _: SharedString) {
        let mut state = self.state();
        state.described.insert(name.as_str().to_owned(), unit);
    }

    fn describe_histogram(&self, name: KeyName, unit: Option<Unit>, _: SharedString) {
        let mut state = self.state();
        state.described.insert(name.as_str().to_owned(), unit);
    }

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        unreachable!("the layer has no counters")
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(Handle::new(self, key))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(Handle::new(self, key))
    }
}
