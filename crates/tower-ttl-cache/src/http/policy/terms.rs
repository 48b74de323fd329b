use std::time::Duration;

use super::Wants;
use crate::http::credential::Credential;

/// On which terms a response is stored. What forbids its use is a flag of its own, never a
/// lifetime of zero, so that nothing a client asks for can undo it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    /// How long after its arrival it is fresh.
    pub(crate) fresh_for: Duration,
    /// How long before its arrival it became stale.
    pub(crate) overdue: Duration,
    /// How old it was when it arrived.
    pub(crate) initial_age: Duration,
    /// The strongest credential that it may answer.
    pub(crate) audience: Credential,
    /// It answers only once the inner service has said so.
    pub(crate) always_validate: bool,
    /// It does not answer once it is stale.
    pub(crate) never_stale: bool,
    /// It will not change while it is fresh (RFC 8246).
    pub(crate) immutable: bool,
    pub(crate) stale_while_revalidate: Duration,
    pub(crate) stale_if_error: Duration,
}

/// What a stored response can do for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reuse {
    /// Nothing: it was stored for others.
    No,
    /// Answer once it has been validated.
    Validate,
    Fresh,
    /// Answer although stale: the request allows it.
    MaxStale,
    /// Answer although stale, and have it validated meanwhile.
    WhileRevalidate,
}

impl Terms {
    /// RFC 9111 section 4: what the response, kept for `resident`, does for the request. It is
    /// fresh as long as its lifetime is *greater* than its age (section 4.2).
    pub(crate) fn reuse(&self, wants: &Wants, resident: Duration) -> Reuse {
        if wants.credential > self.audience {
            return Reuse::No;
        }
        let left = self.fresh_for.saturating_sub(resident);
        let fresh = !left.is_zero();
        if wants.validated || self.always_validate {
            return Reuse::Validate;
        }
        if wants.reloaded {
            // RFC 8246 section 2: not even a reload is worth a question.
            let settled = self.immutable && fresh;
            return if settled {
                Reuse::Fresh
            } else {
                Reuse::Validate
            };
        }
        let young = wants.max_age.is_none_or(|most| self.age(resident) <= most);
        if fresh {
            let long = wants.min_fresh.is_none_or(|least| left >= least);
            return if young && long {
                Reuse::Fresh
            } else {
                Reuse::Validate
            };
        }
        let staleness = self.staleness(resident);
        if self.never_stale {
            Reuse::Validate
        } else if young && wants.max_stale.is_some_and(|most| staleness <= most) {
            Reuse::MaxStale
        } else if wants.nothing_special() && staleness < self.stale_while_revalidate {
            Reuse::WhileRevalidate
        } else {
            Reuse::Validate
        }
    }

    /// Whether the response answers in place of an error (RFC 5861 section 4).
    pub(crate) fn on_error(&self, wants: &Wants, resident: Duration) -> bool {
        wants.credential <= self.audience
            && wants.nothing_special()
            && !self.never_stale
            && self.staleness(resident) < self.stale_if_error
    }

    /// RFC 9111 section 4.2.3: the current age.
    pub(crate) fn age(&self, resident: Duration) -> Duration {
        self.initial_age.saturating_add(resident)
    }

    /// How long it will still answer on its own, stale answers included.
    pub(crate) fn answers_for(&self, resident: Duration) -> Duration {
        let window = self.stale_while_revalidate.max(self.stale_if_error);
        let gone_by = resident.saturating_add(self.overdue);
        self.fresh_for
            .saturating_add(window)
            .saturating_sub(gone_by)
    }

    /// Whether it ever answers without the inner service having been asked.
    pub(super) fn may_answer_unvalidated(&self) -> bool {
        let window = self.stale_while_revalidate.max(self.stale_if_error);
        self.is_fresh() || (!self.always_validate && self.overdue < window)
    }

    /// Whether it answers on its own when it arrives.
    pub(crate) const fn is_fresh(&self) -> bool {
        !self.always_validate && !self.fresh_for.is_zero()
    }

    fn staleness(&self, resident: Duration) -> Duration {
        self.overdue
            .saturating_add(resident.saturating_sub(self.fresh_for))
    }
}
