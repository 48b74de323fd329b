use std::time::Duration;

use tokio::time::Instant;

use super::hint::Hint;

/// What is known of the server's quota: the rule of [`ServerPacing`](super::ServerPacing).
#[derive(Debug, Default)]
pub(super) struct State {
    /// Nobody asks before.
    hold: Option<Instant>,
    /// So many may ask until then; afterwards nothing is known.
    left: Option<(u32, Instant)>,
    /// Calls whose responses have not come: what a server says remains, it says without them.
    under_way: u32,
}

impl State {
    /// Whether a call may start now, which is then under way; else how long until that is to be
    /// asked again.
    pub(super) fn start(&mut self, now: Instant) -> Result<(), Duration> {
        if let Some(wait) = remaining(self.hold, now) {
            return Err(wait);
        }
        self.hold = None;
        if let Some((left, until)) = &mut self.left {
            match remaining(Some(*until), now) {
                None => self.left = None,
                Some(wait) => *left = left.checked_sub(1).ok_or(wait)?,
            }
        }
        self.under_way = self.under_way.saturating_add(1);
        Ok(())
    }

    /// A call has ended, with a response or without.
    pub(super) const fn end(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
    }

    /// A call that was to start did not reach the server.
    pub(super) const fn give_back(&mut self) {
        self.end();
        if let Some((left, _)) = &mut self.left {
            *left = left.saturating_add(1);
        }
    }

    /// What a response said, of a call that has ended.
    pub(super) fn learn(&mut self, now: Instant, hint: Hint) {
        if let Some(hold) = hint.hold {
            // A response that was long on its way must not cut short what a later one asked for.
            self.hold = self.hold.max(now.checked_add(hold));
            self.left = None;
        }
        if let Some((left, within)) = hint.left {
            let left = left.saturating_sub(self.under_way);
            self.left = now.checked_add(within).map(|until| (left, until));
        }
    }
}

fn remaining(until: Option<Instant>, now: Instant) -> Option<Duration> {
    let wait = until?.saturating_duration_since(now);
    (!wait.is_zero()).then_some(wait)
}
