use crate::{Admission, Denied, Quota, SlidingWindow, Usage};

/// What one key has used of each of its quotas. All are charged, or none.
#[derive(Debug)]
pub(crate) struct Tiers {
    /// In the key's own slot: most keys have one quota.
    first: Tier,
    rest: Vec<Tier>,
}

#[derive(Debug)]
struct Tier {
    quota: Quota,
    window: SlidingWindow,
}

impl Tier {
    fn new(quota: Quota) -> Self {
        Self {
            quota,
            window: SlidingWindow::default(),
        }
    }
}

impl Tiers {
    pub(crate) fn new(quota: Quota) -> Self {
        Self {
            first: Tier::new(quota),
            rest: Vec::new(),
        }
    }

    pub(crate) fn admit(
        &mut self,
        now: u64,
        first: Quota,
        rest: &[Quota],
    ) -> Result<Admission, Denied> {
        self.adopt(first, rest);
        let mut admission = self.first.window.check(now, first);
        for tier in &self.rest {
            admission = tightest(admission, tier.window.check(now, tier.quota));
        }
        if admission.is_ok() {
            for tier in self.tiers_mut() {
                tier.window.charge(now, tier.quota);
            }
        }
        admission
    }

    /// The tier that is full for longest or, when none is full, the fullest.
    pub(crate) fn usage(&self, now: u64) -> Usage {
        let mut tightest = self.first.window.usage(now, self.first.quota);
        for tier in &self.rest {
            let usage = tier.window.usage(now, tier.quota);
            let longer = usage.next_admission.cmp(&tightest.next_admission);
            if longer
                .then(usage.percentage().total_cmp(&tightest.percentage()))
                .is_gt()
            {
                tightest = usage;
            }
        }
        tightest
    }

    pub(crate) fn is_spent(&self, now: u64) -> bool {
        self.tiers()
            .all(|tier| tier.window.is_spent(now, tier.quota))
    }

    /// Quotas may change between two requests; a tier keeps its history by its position.
    fn adopt(&mut self, first: Quota, rest: &[Quota]) {
        self.first.quota = first;
        self.rest.truncate(rest.len());
        for (position, &quota) in rest.iter().enumerate() {
            match self.rest.get_mut(position) {
                Some(tier) => tier.quota = quota,
                None => self.rest.push(Tier::new(quota)),
            }
        }
    }

    fn tiers(&self) -> impl Iterator<Item = &Tier> {
        std::iter::once(&self.first).chain(&self.rest)
    }

    fn tiers_mut(&mut self) -> impl Iterator<Item = &mut Tier> {
        std::iter::once(&mut self.first).chain(&mut self.rest)
    }
}

/// A request passes when every tier lets it, so the longest wait is the true one.
fn tightest(
    one: Result<Admission, Denied>,
    other: Result<Admission, Denied>,
) -> Result<Admission, Denied> {
    match (one, other) {
        (Ok(one), Ok(other)) if other.remaining < one.remaining => Ok(other),
        (Err(one), Err(other)) if other.retry_after > one.retry_after => Err(other),
        (Ok(_), Err(other)) => Err(other),
        (one, _) => one,
    }
}
