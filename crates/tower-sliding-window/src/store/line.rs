use std::{sync::OnceLock, time::Duration};

use crate::{Admission, Algorithm, Denied, Quota, Usage};

/// Places under one lock.
pub(super) const WAYS: usize = 7;

/// The places of a few keys.
#[derive(Debug)]
pub(super) struct Line<A> {
    places: [Place<A>; WAYS],
}

#[derive(Debug, Clone, Copy, Default)]
struct Place<A> {
    tag: Tag,
    rule: A,
}

/// Whose place it is: the digest of the key and its tier, but for the last byte, which is where
/// the quota is kept. Zero is nobody's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tag(u64);

const QUOTA: u64 = 0xff;

impl Tag {
    pub(super) fn new(digest: u64, tier: usize) -> Self {
        // An odd multiple for each tier: different, and as evenly spread as the digest.
        let multiple = (tier as u64)
            .wrapping_mul(2)
            .wrapping_add(0x9e37_79b9_7f4a_7c15);
        let tag = digest.wrapping_mul(multiple).rotate_left(32) & !QUOTA;
        Self(if tag == 0 { QUOTA + 1 } else { tag })
    }

    pub(super) const fn under(self, quota: u8) -> Self {
        Self(self.0 & !QUOTA | quota as u64)
    }

    const fn is(self, other: Self) -> bool {
        self.0 & !QUOTA == other.0 & !QUOTA
    }

    fn quota(self, known: &[OnceLock<Quota>]) -> Option<Quota> {
        let position = usize::try_from(self.0 & QUOTA).ok()?;
        known.get(position)?.get().copied()
    }
}

impl<A: Algorithm + Copy> Default for Line<A> {
    fn default() -> Self {
        Self {
            places: [Place {
                tag: Tag::default(),
                rule: A::default(),
            }; WAYS],
        }
    }
}

impl<A: Algorithm + Copy> Line<A> {
    pub(super) fn admit(
        &mut self,
        now: u64,
        cost: u32,
        tags: &[Option<Tag>; WAYS],
        quotas: &[Quota; WAYS],
        known: &[OnceLock<Quota>],
    ) -> Result<Admission, Denied> {
        let mut tightest: Option<Result<Admission, Denied>> = None;
        for (&tag, &quota) in tags.iter().flatten().zip(quotas) {
            let decision = match self.find(tag) {
                Some(place) => {
                    self.adopt(now, place, tag, quota, known);
                    self.places[place].rule.check(now, cost, quota)
                }
                None => A::default().check(now, cost, quota),
            };
            tightest = Some(match tightest {
                None => decision,
                Some(before) => crate::tiers::tightest(before, decision),
            });
        }
        let admission = tightest.unwrap_or(Err(Denied::new(quotas[0], Duration::MAX)))?;
        if cost > 0 {
            self.charge(now, cost, tags, quotas, known)?;
        }
        Ok(admission)
    }

    /// Charges all tiers, in places of their own; in none if there is not room for all.
    pub(super) fn charge(
        &mut self,
        now: u64,
        cost: u32,
        tags: &[Option<Tag>; WAYS],
        quotas: &[Quota; WAYS],
        known: &[OnceLock<Quota>],
    ) -> Result<(), Denied> {
        let mut taken = [None; WAYS];
        for (tier, &tag) in tags.iter().flatten().enumerate() {
            taken[tier] = self.find(tag);
        }
        for (tier, &quota) in quotas.iter().enumerate() {
            if tags[tier].is_some() && taken[tier].is_none() {
                let place = self.make_room(now, &taken, known);
                taken[tier] = Some(place.map_err(|wait| Denied::new(quota, wait))?);
            }
        }
        for (tier, &quota) in quotas.iter().enumerate() {
            if let (Some(tag), Some(place)) = (tags[tier], taken[tier]) {
                if self.places[place].tag.is(tag) {
                    self.adopt(now, place, tag, quota, known);
                } else {
                    self.places[place].tag = tag;
                    self.places[place].rule = A::default();
                }
                self.places[place].rule.charge(now, cost, quota);
            }
        }
        Ok(())
    }

    pub(super) fn refund(
        &mut self,
        now: u64,
        stamp: u64,
        cost: u32,
        tags: &[Option<Tag>; WAYS],
        quotas: &[Quota; WAYS],
    ) {
        for (&tag, &quota) in tags.iter().flatten().zip(quotas) {
            if let Some(place) = self.find(tag)
                && self.places[place].tag == tag
            {
                self.places[place]
                    .rule
                    .refund(now, Some(stamp), cost, quota);
            }
        }
    }

    pub(super) fn usage(&self, now: u64, tag: Tag, known: &[OnceLock<Quota>]) -> Option<Usage> {
        let place = &self.places[self.find(tag)?];
        Some(place.rule.usage(now, place.tag.quota(known)?))
    }

    fn find(&self, tag: Tag) -> Option<usize> {
        self.places.iter().position(|place| place.tag.is(tag))
    }

    /// Quotas may change between two requests; what is used stays.
    fn adopt(&mut self, now: u64, place: usize, tag: Tag, to: Quota, known: &[OnceLock<Quota>]) {
        let place = &mut self.places[place];
        if place.tag != tag {
            if let Some(from) = place.tag.quota(known) {
                place.rule.change_quota(now, from, to);
            }
            place.tag = tag;
        }
    }

    /// A place that is free or spent, else that of the least used key, never one at its limit or
    /// already `taken`. When there is none, how long until there is.
    fn make_room(
        &self,
        now: u64,
        taken: &[Option<usize>; WAYS],
        known: &[OnceLock<Quota>],
    ) -> Result<usize, Duration> {
        let mut least_used: Option<(f64, usize)> = None;
        let mut earliest = Duration::MAX;
        for (position, place) in self.places.iter().enumerate() {
            if taken.contains(&Some(position)) {
                continue;
            }
            let Some(quota) = place
                .tag
                .quota(known)
                .filter(|_| place.tag != Tag::default())
            else {
                return Ok(position);
            };
            if place.rule.is_spent(now, quota) {
                return Ok(position);
            }
            let usage = place.rule.usage(now, quota);
            if !usage.next_admission.is_zero() {
                earliest = earliest.min(usage.next_admission);
            } else if least_used.is_none_or(|(least, _)| usage.percentage() < least) {
                least_used = Some((usage.percentage(), position));
            }
        }
        least_used.map(|(_, position)| position).ok_or(earliest)
    }
}
