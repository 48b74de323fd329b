use std::{sync::LazyLock, time::Duration};

use ::redis::{RedisResult, Script, aio::ConnectionLike};

use crate::{Admission, Charge, Denied, Quota, algorithm};

/// One script, so that a decision is one round trip and nothing comes between look and charge.
static LIMIT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("limit.lua")));

/// What the script is asked about one subject.
pub(super) struct Question {
    /// The name of the key.
    pub(super) subject: String,
    pub(super) operation: Operation,
    pub(super) cost: u32,
    pub(super) quota: Quota,
    pub(super) further: Vec<Quota>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Operation {
    /// Takes the cost, or up to so much if there is room, to count from so much later.
    Admit {
        take: u32,
        later: Duration,
    },
    Charge,
    Refund {
        stamp: u64,
    },
}

/// What was taken, which is at least the cost, or how long to wait.
pub(super) type Answer = Result<(u32, Admission), Denied>;

impl Question {
    pub(super) fn charge<'a, K>(&'a self, key: &'a K) -> Charge<'a, K> {
        Charge::new(key, self.quota)
            .further(&self.further)
            .cost(self.cost)
    }

    pub(super) fn shortest_window(&self) -> Duration {
        let further = self.further.iter().map(Quota::window);
        further.fold(self.quota.window(), Duration::min)
    }

    /// Asks. The library sends the script itself only when the server says it doesn't know it,
    /// and so has not run it.
    pub(super) async fn ask(&self, connection: &mut impl ConnectionLike) -> RedisResult<Answer> {
        let mut script = LIMIT.key(&self.subject);
        match self.operation {
            Operation::Admit { take, later } => {
                script
                    .arg("admit")
                    .arg(self.cost)
                    .arg(take)
                    .arg(micros(later));
            }
            Operation::Charge => {
                script.arg("charge").arg(self.cost).arg(0).arg(0);
            }
            Operation::Refund { stamp } => {
                script.arg("refund").arg(self.cost).arg(stamp).arg(0);
            }
        }
        for &quota in std::iter::once(&self.quota).chain(&self.further) {
            let quantum = algorithm::quantum(quota).div_ceil(1000);
            script
                .arg(quota.limit())
                .arg(micros(quota.window()))
                .arg(quantum);
        }
        let answer: Vec<u64> = script.invoke_async(connection).await?;
        Ok(self.read(&answer))
    }

    fn read(&self, answer: &[u64]) -> Answer {
        let number = |position: usize| answer.get(position).copied().unwrap_or_default();
        let small = |position| u32::try_from(number(position)).unwrap_or(u32::MAX);
        // Tiers are counted from 1.
        let further = usize::try_from(number(2)).ok();
        let further = further.and_then(|tier| self.further.get(tier.checked_sub(2)?));
        let quota = *further.unwrap_or(&self.quota);
        match answer.len() {
            4 => Ok((small(0), Admission::new(quota, small(1)).stamped(number(3)))),
            _ => Err(Denied::new(quota, Duration::from_micros(number(1)))),
        }
    }
}

/// Rounded up: a window may be held for longer, not for less.
fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos().div_ceil(1000)).unwrap_or(u64::MAX)
}
