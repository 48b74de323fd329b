use std::num::{NonZeroU16, NonZeroU32};

/// A service that requests may go to, and how many of them.
#[derive(Debug, Clone)]
#[must_use]
pub struct Endpoint<K, S> {
    pub(crate) key: K,
    pub(crate) service: S,
    pub(crate) weight: u16,
    pub(crate) priority: u8,
    pub(crate) limit: u32,
}

impl<K, S> Endpoint<K, S> {
    /// An endpoint of weight 1 and priority 0, with any number of requests at once.
    ///
    /// The key tells it from the others, here and in other processes that share its load: an
    /// address, a URL, a name.
    pub const fn new(key: K, service: S) -> Self {
        Self {
            key,
            service,
            weight: 1,
            priority: 0,
            limit: u32::MAX,
        }
    }

    /// How much it takes compared to others: one of weight 3 takes three times as much as one of
    /// weight 1.
    pub const fn weight(mut self, weight: NonZeroU16) -> Self {
        self.weight = weight.get();
        self
    }

    /// Which tier it is in: 0 comes first. A tier gets requests when the ones before it are not
    /// healthy enough, are full, or have failed this very request.
    pub const fn priority(mut self, priority: u8) -> Self {
        self.priority = priority;
        self
    }

    /// How many requests it works on at once.
    pub const fn max_in_flight(mut self, requests: NonZeroU32) -> Self {
        self.limit = requests.get();
        self
    }
}
