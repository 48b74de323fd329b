use crate::{Admission, Algorithm, Charge, Denied, Quota, Usage};

/// What one key has used of each of its quotas. All are charged, or none.
#[derive(Debug)]
pub(crate) struct Tiers<A> {
    /// In the key's own slot: most keys have one quota.
    first: Tier<A>,
    #[allow(clippy::box_collection, reason = "one word where most keys need none")]
    rest: Option<Box<Vec<Tier<A>>>>,
}

#[derive(Debug)]
struct Tier<A> {
    quota: Quota,
    rule: A,
}

impl<A: Algorithm> Tier<A> {
    fn new(quota: Quota) -> Self {
        Self {
            quota,
            rule: A::default(),
        }
    }

    /// Quotas may change between two requests; what is used stays.
    fn adopt(&mut self, now: u64, quota: Quota) {
        if self.quota != quota {
            self.rule.change_quota(now, self.quota, quota);
            self.quota = quota;
        }
    }
}

impl<A: Algorithm> Tiers<A> {
    pub(crate) fn new(quota: Quota) -> Self {
        Self {
            first: Tier::new(quota),
            rest: None,
        }
    }

    pub(crate) fn admit<K>(
        &mut self,
        now: u64,
        charge: &Charge<'_, K>,
    ) -> Result<Admission, Denied> {
        self.adopt(now, charge);
        let cost = charge.cost;
        let mut admission = self.first.rule.check(now, cost, self.first.quota);
        for tier in self.rest() {
            admission = tightest(admission, tier.rule.check(now, cost, tier.quota));
        }
        if admission.is_ok() {
            self.charge(now, cost);
        }
        admission
    }

    /// Charges all tiers, full or not.
    pub(crate) fn charge(&mut self, now: u64, cost: u32) {
        for tier in self.tiers_mut() {
            tier.rule.charge(now, cost, tier.quota);
        }
    }

    pub(crate) fn refund(&mut self, now: u64, at: Option<u64>, cost: u32) {
        for tier in self.tiers_mut() {
            tier.rule.refund(now, at, cost, tier.quota);
        }
    }

    /// The tier that is full for longest or, when none is full, the fullest.
    pub(crate) fn usage(&self, now: u64) -> Usage {
        let mut tightest = self.first.rule.usage(now, self.first.quota);
        for tier in self.rest() {
            let usage = tier.rule.usage(now, tier.quota);
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
        let spent = |tier: &Tier<A>| tier.rule.is_spent(now, tier.quota);
        spent(&self.first) && self.rest().iter().all(spent)
    }

    /// A tier keeps its history by its position.
    pub(crate) fn adopt<K>(&mut self, now: u64, charge: &Charge<'_, K>) {
        self.first.adopt(now, charge.quota);
        if charge.further.is_empty() {
            self.rest = None;
            return;
        }
        let rest = self.rest.get_or_insert_default();
        rest.truncate(charge.further.len());
        for (position, &quota) in charge.further.iter().enumerate() {
            match rest.get_mut(position) {
                Some(tier) => tier.adopt(now, quota),
                None => rest.push(Tier::new(quota)),
            }
        }
    }

    fn rest(&self) -> &[Tier<A>] {
        self.rest.as_deref().map_or(&[], Vec::as_slice)
    }

    fn tiers_mut(&mut self) -> impl Iterator<Item = &mut Tier<A>> {
        let rest = self
            .rest
            .as_deref_mut()
            .map_or(&mut [][..], Vec::as_mut_slice);
        std::iter::once(&mut self.first).chain(rest)
    }
}

/// A request passes when every tier lets it, so the longest wait is the true one.
pub(crate) fn tightest(
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
