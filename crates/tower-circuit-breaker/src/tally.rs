/// A window right after a bad result was recorded. After a good one nobody looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) bad: u32,
    /// Results in the window.
    pub(crate) seen: u32,
    /// Results to be held against the minimum.
    pub(crate) calls: u64,
}

impl Tally {
    /// Whether at least `rate` of the results are bad.
    pub(crate) fn reaches(self, rate: f64, min_calls: u32) -> bool {
        // A quotient rounds to the very number its decimal notation does (7/100 is 0.07); a product
        // does not.
        self.calls >= min_calls.into() && f64::from(self.bad) / f64::from(self.seen.max(1)) >= rate
    }
}
