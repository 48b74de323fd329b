use std::{error, fmt, future::Future, time::Duration};

use crate::ReplayKey;

/// Remembers which deliveries are being handled and which were.
///
/// A delivery is claimed before its handler runs. When the handler has succeeded the claim is
/// committed and its repetitions are duplicates; when it hasn't, the claim is released and the
/// provider's next attempt is welcome.
pub trait ReplayStore {
    /// Of [`claim`](Self::claim).
    type Claiming: Future<Output = Result<Claimed, ReplayError>>;

    /// Of [`commit`](Self::commit).
    type Committing: Future<Output = Result<(), ReplayError>>;

    /// Claims a delivery. Of any number of callers at most one is given a ticket. A claim that is
    /// neither committed nor released ends after `lease`.
    fn claim(&self, key: ReplayKey, lease: Duration) -> Self::Claiming;

    /// Remembers a delivery as handled, for the time `keep`.
    fn commit(&self, key: ReplayKey, ticket: Ticket, keep: Duration) -> Self::Committing;

    /// Gives a claim back, unless it has ended and is somebody else's by now. Called from `drop`:
    /// what takes time goes on by itself.
    fn release(&self, key: ReplayKey, ticket: Ticket);
}

/// The answer to a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claimed {
    /// It is the caller's.
    Fresh(Ticket),
    /// Another caller has it, and isn't done.
    InFlight,
    /// It was handled before.
    Done,
}

/// Tells one claim of a delivery from another, so that one which has ended can't settle the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket(pub u128);

/// Why a store has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplayError {
    /// It holds as many live entries as it may, and forgets none of them.
    Full,
    /// It can't be reached.
    Unavailable,
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "the replay store is full",
            Self::Unavailable => "the replay store can't be reached",
        })
    }
}

impl error::Error for ReplayError {}
