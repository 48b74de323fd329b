use std::{
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};

use super::ReplayError;

/// A body that can be sent again: its clones read the same from the start.
///
/// What one clone reads is kept for the others, up to a limit, as long as there are others. Nothing
/// is read ahead: a clone that comes to the end of what was kept reads on from the body itself. Only
/// one clone reads at a time; when another one starts, the one before breaks off with
/// [`ReplayError::Superseded`].
///
/// Over the limit everything kept is given back. The clone that reads then goes on undisturbed, but
/// it is the last: with the policy [`Replaying`](super::Replaying) the result of its attempt is
/// returned, whatever it is.
///
/// Costs one allocation, a lock without contention for each frame, and for each clone at most the
/// limit in memory, which all share.
pub struct ReplayBody<B> {
    shared: Arc<Mutex<Shared<B>>>,
    // Which turn of reading this clone has. `None`: it has not begun.
    turn: Option<u64>,
    // What it reads next of what was kept: data, then trailers.
    next: usize,
}

struct Shared<B> {
    body: B,
    limit: usize,
    // The turn of the clone that reads.
    turn: u64,
    kept: Vec<Bytes>,
    size: usize,
    trailers: Option<HeaderMap>,
    ended: bool,
    // The start was not kept.
    lost: bool,
}

impl<B> ReplayBody<B> {
    /// `limit` is in bytes; 64 KiB hold what most programs send.
    pub fn new(body: B, limit: usize) -> Self {
        let shared = Shared {
            body,
            limit,
            turn: 0,
            kept: Vec::new(),
            size: 0,
            trailers: None,
            ended: false,
            lost: false,
        };
        Self {
            shared: Arc::new(Mutex::new(shared)),
            turn: None,
            next: 0,
        }
    }

    /// Whether a clone that has not begun would read the whole body.
    #[must_use]
    pub fn is_replayable(&self) -> bool {
        !self.shared().lost
    }

    /// Makes the clone that reads break off.
    pub(super) fn supersede(&self) {
        self.shared().turn += 1;
    }

    // What a panic of the body leaves is either kept or not; there is no state in between.
    fn shared(&self) -> MutexGuard<'_, Shared<B>> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B: Body> ReplayBody<B> {
    /// Whether the body may be within its limit, as far as one knows before reading it.
    pub(super) fn fits(&self) -> bool {
        let shared = self.shared();
        let limit = u64::try_from(shared.limit).unwrap_or(u64::MAX);
        !shared.lost && shared.body.size_hint().lower() <= limit
    }
}

impl<B> Shared<B> {
    fn keep(&mut self, chunk: &Bytes, others: bool) {
        if self.lost {
            return;
        }
        self.size = self.size.saturating_add(chunk.len());
        if others && self.size <= self.limit {
            self.kept.push(chunk.clone());
        } else {
            self.lose();
        }
    }

    fn lose(&mut self) {
        self.lost = true;
        self.kept = Vec::new();
        self.trailers = None;
    }

    /// What was kept from position `next` on.
    fn rest(&self, next: usize) -> &[Bytes] {
        self.kept.get(next..).unwrap_or_default()
    }

    fn trailers_at(&self, next: usize) -> Option<&HeaderMap> {
        let trailers = self.trailers.as_ref();
        trailers.filter(|_| next == self.kept.len())
    }
}

impl<B: Body + Unpin> Body for ReplayBody<B> {
    type Data = Bytes;
    type Error = ReplayError<B::Error>;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.get_mut();
        let others = Arc::strong_count(&this.shared) > 1;
        let mut guard = this.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let shared = &mut *guard;
        match this.turn {
            Some(turn) if turn != shared.turn => {
                return Poll::Ready(Some(Err(ReplayError::Superseded)));
            }
            Some(_) => {}
            None if shared.lost => return Poll::Ready(Some(Err(ReplayError::Lost))),
            None => {
                shared.turn += 1;
                this.turn = Some(shared.turn);
            }
        }
        if let Some(chunk) = shared.rest(this.next).first() {
            this.next += 1;
            return Poll::Ready(Some(Ok(Frame::data(chunk.clone()))));
        }
        if let Some(trailers) = shared.trailers_at(this.next) {
            this.next += 1;
            return Poll::Ready(Some(Ok(Frame::trailers(trailers.clone()))));
        }
        if shared.ended {
            return Poll::Ready(None);
        }
        let frame = match ready!(Pin::new(&mut shared.body).poll_frame(cx)) {
            Some(Ok(frame)) => frame,
            Some(Err(error)) => {
                shared.lose();
                return Poll::Ready(Some(Err(ReplayError::Inner(error))));
            }
            None => {
                shared.ended = true;
                return Poll::Ready(None);
            }
        };
        this.next += 1;
        let frame = frame.map_data(|mut data| data.copy_to_bytes(data.remaining()));
        if let Some(chunk) = frame.data_ref() {
            shared.keep(chunk, others);
        } else if let Some(trailers) = frame.trailers_ref() {
            shared.ended = true;
            if others && !shared.lost {
                shared.trailers = Some(trailers.clone());
            }
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        let shared = self.shared();
        let read = shared.rest(self.next).is_empty() && shared.trailers_at(self.next).is_none();
        read && (shared.ended || shared.body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        let shared = self.shared();
        let kept = shared.rest(self.next).iter().map(Bytes::len).sum::<usize>();
        let kept = u64::try_from(kept).unwrap_or(u64::MAX);
        let rest = match shared.ended {
            true => SizeHint::with_exact(0),
            false => shared.body.size_hint(),
        };
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(kept));
        if let Some(upper) = rest.upper().and_then(|upper| upper.checked_add(kept)) {
            hint.set_upper(upper);
        }
        hint
    }
}

/// A clone has not begun, wherever this one is.
impl<B> Clone for ReplayBody<B> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            turn: None,
            next: 0,
        }
    }
}

// Not what it carries.
impl<B> fmt::Debug for ReplayBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (limit, lost) = {
            let shared = self.shared();
            (shared.limit, shared.lost)
        };
        f.debug_struct("ReplayBody")
            .field("limit", &limit)
            .field("lost", &lost)
            .finish_non_exhaustive()
    }
}
