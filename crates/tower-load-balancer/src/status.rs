use std::time::Duration;

/// How an endpoint is, for people and health routes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EndpointStatus<K> {
    /// Its key.
    pub key: K,
    /// Whether it gets requests, and why not.
    pub health: Health,
    /// Its weight, as it was put in.
    pub weight: u16,
    /// Its priority.
    pub priority: u8,
    /// How many requests it works on.
    pub in_flight: u32,
    /// How many of its last answers in a row were failures.
    pub failures: u32,
    /// How long its answers take on average, when the policy measures that.
    pub latency: Option<Duration>,
}

/// Whether an endpoint gets requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Health {
    /// It gets requests.
    Up,
    /// It failed, and gets none for so long.
    Ejected {
        /// How long it is still away.
        for_another: Duration,
    },
    /// Its probes fail.
    Down,
    /// It finishes what it has.
    Draining,
}
