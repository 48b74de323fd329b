use std::{hash::Hash, num::NonZeroU32, sync::Arc, time::Duration};

use tokio::time::{Instant, timeout};

use super::{
    breaker::{self, Breaker},
    denials::Denials,
    leases::{Lease, Leases},
    link::{Connect, Link},
    on_failure::{OnFailure, on_share},
    script::{Answer, Operation, Question},
};
use crate::{Adjust, Admission, Charge, Denied, MemoryStore, Store};

/// What all clones of a store have in common: how it decides.
pub(super) struct Shared<K, C: Connect> {
    pub(super) link: Arc<Link<C>>,
    pub(super) prefix: String,
    pub(super) name: Box<dyn Fn(&K) -> String + Send + Sync>,
    pub(super) deadline: Duration,
    pub(super) on_failure: OnFailure,
    /// Counts beside the server where it is to decide when that is away.
    pub(super) local: MemoryStore<K>,
    pub(super) lease: NonZeroU32,
    pub(super) leases: Leases<K>,
    pub(super) denials: Denials<K>,
    pub(super) breaker: Breaker,
}

impl<K: Hash + Eq + Clone, C: Connect> Shared<K, C> {
    pub(super) fn question(&self, charge: &Charge<'_, K>, operation: Operation) -> Question {
        Question {
            subject: format!("{}:{{{}}}", self.prefix, (self.name)(charge.key)),
            operation,
            cost: charge.cost,
            quota: charge.quota,
            further: charge.further.to_vec(),
        }
    }

    pub(super) async fn decide(&self, key: &K, question: Question) -> Result<Admission, Denied> {
        let asked = Instant::now();
        let charge = question.charge(key);
        match self.ask(&question).await {
            Some(Ok((_, admission))) => {
                self.count_beside(&charge);
                Ok(admission)
            }
            Some(Err(denied)) => {
                self.denials.remember(&charge, asked, denied);
                Err(denied)
            }
            None => self.without_server(&charge),
        }
    }

    /// As [`decide`](Self::decide), taking a lease. Who comes meanwhile waits for it.
    pub(super) async fn decide_leased(
        &self,
        key: &K,
        mut question: Question,
        lease: &Lease,
    ) -> Result<Admission, Denied> {
        let _filling = lease.filling.lock().await;
        if let Some(admission) = lease.pay(&question.charge(key)) {
            self.count_beside(&question.charge(key));
            return Ok(admission);
        }
        if let Some(denied) = self.denials.known(&question.charge(key)) {
            return Err(denied);
        }
        // Asked for here and not before: who was ahead may have found the server away.
        if !self.breaker.allows() {
            return self.without_server(&question.charge(key));
        }
        let later = question.shortest_window() / 64;
        let take = self.lease.get().max(question.cost);
        question.operation = Operation::Admit { take, later };
        let asked = Instant::now();
        let charge = question.charge(key);
        match self.ask(&question).await {
            Some(Ok((granted, admission))) => {
                self.count_beside(&charge);
                if let Some(until) = asked.checked_add(later) {
                    lease.fill(
                        &question,
                        granted.saturating_sub(charge.cost),
                        until,
                        admission,
                    );
                }
                Ok(admission)
            }
            Some(Err(denied)) => {
                self.denials.remember(&charge, asked, denied);
                Err(denied)
            }
            None => self.without_server(&charge),
        }
    }

    /// What the server answers, if it does in time.
    pub(super) async fn ask(&self, question: &Question) -> Option<Answer> {
        let asking = async {
            let mut connection = self.link.connection().await?;
            question.ask(&mut connection).await
        };
        if let Ok(Ok(answer)) = timeout(self.deadline, asking).await {
            self.breaker.succeeded();
            return Some(answer);
        }
        self.link.forget();
        self.breaker.failed();
        None
    }

    pub(super) fn without_server(&self, charge: &Charge<'_, K>) -> Result<Admission, Denied> {
        let deny = || Denied::new(charge.quota, breaker::RETRY);
        match self.on_failure {
            OnFailure::Allow => Ok(Admission::new(charge.quota, 0)),
            OnFailure::Deny => Err(deny()),
            OnFailure::Local { share } => {
                let decided = on_share(charge, share, |charge| {
                    self.local.admit(charge).into_inner()
                });
                // Too much for a share may not be too much for the whole.
                decided.map_err(|denied| match denied.retry_after {
                    Duration::MAX => deny(),
                    _ => denied,
                })
            }
        }
    }

    pub(super) fn count_beside(&self, charge: &Charge<'_, K>) {
        if let OnFailure::Local { share } = self.on_failure {
            on_share(charge, share, |charge| {
                Adjust::charge(&self.local, charge);
            });
        }
    }
}
