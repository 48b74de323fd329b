//! What an [`Ask`] makes of the response of the inner service.

use std::{sync::Arc, time::SystemTime};

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode, header::CONTENT_LENGTH, header::SET_COOKIE};
use http_body::Body;
use tokio::time::Instant;

use super::{
    ask::{Ask, Part, Sent},
    body::CacheBody,
    conditional,
    entry::{Entry, Head},
    fill::Fill,
    outcome::{CacheOutcome, StaleReason},
    policy::{Arrival, SetCookie},
    shared::Shared,
    store::Store,
    vary::{self, Index},
};

/// A response and how it came about.
pub(crate) struct Learned<B, St> {
    pub(crate) response: Response<CacheBody<B, St>>,
    pub(crate) outcome: CacheOutcome,
    /// It is being collected for the store.
    pub(crate) stored: bool,
}

impl<B, St> Learned<B, St> {
    fn known(response: Response<Bytes>, outcome: CacheOutcome) -> Self {
        Self {
            response: response.map(CacheBody::stored),
            outcome,
            stored: outcome == CacheOutcome::Revalidated,
        }
    }
}

impl Ask {
    /// Answers with what the response means for the request, and has the store learn from it.
    pub(crate) fn learn<B, St>(
        &mut self,
        shared: &Arc<Shared<St>>,
        response: Response<B>,
        now: Instant,
        wall: SystemTime,
    ) -> Learned<B, St>
    where
        B: Body,
        St: Store,
    {
        let passed = |response: Response<B>| Learned {
            response: response.map(CacheBody::passing),
            outcome: CacheOutcome::Miss,
            stored: false,
        };
        let (Some(epoch), Some(sent)) = (self.epoch, self.sent.take()) else {
            return passed(response);
        };
        let status = response.status();
        let arrival = Arrival {
            wall,
            delay: now.saturating_duration_since(sent.at),
        };
        if self.validating
            && status == StatusCode::NOT_MODIFIED
            && let Some(answer) = self.freshen(shared, &response, &sent, epoch, arrival, now)
        {
            return Learned::known(answer, CacheOutcome::Revalidated);
        }
        if is_failure(status)
            && let Some(answer) = self.instead_of_error(&sent.headers, now)
        {
            if let Some(leader) = self.leader.take() {
                leader.fail();
            }
            let outcome = CacheOutcome::Stale(StaleReason::IfError);
            return Learned::known(answer, outcome);
        }
        if self.part == Part::Head {
            self.learn_from_head(shared, &response, epoch, arrival, now);
            return passed(response);
        }
        match self.fill(shared, &response, &sent, epoch, arrival, now) {
            Some(fill) => Learned {
                response: response.map(|body| CacheBody::collected(body, fill)),
                outcome: CacheOutcome::Miss,
                stored: true,
            },
            None => {
                self.give_up(shared, status, epoch, now);
                passed(response)
            }
        }
    }

    /// RFC 9111 section 4.3.4: what is stored still holds.
    fn freshen<B, St: Store>(
        &mut self,
        shared: &Shared<St>,
        response: &Response<B>,
        sent: &Sent,
        epoch: u64,
        arrival: Arrival,
        now: Instant,
    ) -> Option<Response<Bytes>> {
        let entry = self.stale.take()?;
        let stored = entry.stored()?;
        let update = response.headers();
        let policy = &self.settings.policy;
        let headers = stored.updated_headers(update, policy.set_cookie, arrival.wall);
        let storable = policy.storable(&self.wants, stored.head.status, &headers, arrival);
        let (answering, kept) = match &storable {
            Some(storable) => {
                let freshened = stored.freshened(headers, storable, now);
                (freshened.clone(), freshened)
            }
            // It holds this once, and is not to be kept any longer.
            None => (entry.clone(), Entry::nothing()),
        };
        let put = shared.store.put(self.target().clone(), kept, epoch);
        let shareable = put && storable.is_some_and(|storable| storable.terms.is_fresh());
        if let Some(leader) = self.leader.take() {
            if shareable {
                leader.land();
            } else {
                leader.scatter(now);
            }
        }
        let mut answer = self.answer(answering.stored()?, &sent.headers, now)?;
        if self.settings.policy.set_cookie != SetCookie::Store {
            // The cookie is this client's alone.
            for cookie in update.get_all(SET_COOKIE) {
                answer.headers_mut().append(SET_COOKIE, cookie.clone());
            }
        }
        Some(answer)
    }

    /// RFC 9111 section 4.3.5: the response to a `HEAD` renews what is stored, or tells that it
    /// has changed. It never becomes an entry itself.
    fn learn_from_head<B, St: Store>(
        &self,
        shared: &Shared<St>,
        response: &Response<B>,
        epoch: u64,
        arrival: Arrival,
        now: Instant,
    ) {
        let stored = self.stale.as_ref().and_then(Entry::stored);
        let Some(stored) = stored.filter(|stored| stored.head.status == response.status()) else {
            return;
        };
        let update = response.headers();
        let entry = if conditional::describes(update, &stored.head.headers, stored.body.len()) {
            let policy = &self.settings.policy;
            let headers = stored.updated_headers(update, policy.set_cookie, arrival.wall);
            policy
                .storable(&self.wants, stored.head.status, &headers, arrival)
                .map(|storable| stored.freshened(headers, &storable, now))
        } else {
            None
        };
        shared.store.put(
            self.target().clone(),
            entry.unwrap_or_else(Entry::nothing),
            epoch,
        );
    }

    /// Has the response collected for the store, if it may be stored.
    fn fill<B, St>(
        &mut self,
        shared: &Arc<Shared<St>>,
        response: &Response<B>,
        sent: &Sent,
        epoch: u64,
        arrival: Arrival,
        now: Instant,
    ) -> Option<Fill<St>>
    where
        B: Body,
    {
        let settings = &self.settings;
        let headers = response.headers();
        // Whatever else answers a request for a part may be about that part.
        if self.part != Part::Whole && response.status() != StatusCode::OK {
            return None;
        }
        let storable =
            settings
                .policy
                .storable(&self.wants, response.status(), headers, arrival)?;
        let names = vary::names(headers)?;
        let declared = declared_length(headers, response.body())?;
        if declared.is_some_and(|length| length > settings.policy.max_object_bytes as u64) {
            shared.counters.refused.add_one();
            return None;
        }

        let tag_header = settings.tag_header.as_ref();
        let head = Head::of(response, &storable, now, arrival.wall, tag_header);
        let key = self.key.clone();
        let mut fill = Fill::new(Arc::clone(shared), Arc::clone(settings), key, epoch, head);
        fill.declared = declared;
        if !names.is_empty() {
            let selection = vary::selection(settings, &names, &sent.headers);
            let index = Entry::vary(Index {
                names,
                variants: vec![selection],
                most: settings.max_variants,
            });
            let index = index.over(self.index.as_ref());
            fill.key = self.key.variant(&selection);
            fill.index = Some((self.key.clone(), index));
        }
        // What answers nobody on its own is stored, but not waited for.
        if storable.terms.is_fresh() {
            fill.leader = self.leader.take();
        }
        self.scatter(now);
        Some(fill)
    }

    /// The response is not for the store.
    fn give_up<St: Store>(
        &mut self,
        shared: &Shared<St>,
        status: StatusCode,
        epoch: u64,
        now: Instant,
    ) {
        if status.is_server_error() {
            // Such a response says little of the next.
            if let Some(leader) = self.leader.take() {
                leader.fail();
            }
            return;
        }
        let superseded = self.part == Part::Whole && status != StatusCode::NOT_MODIFIED;
        if superseded && self.stale.is_some() {
            // There is a newer response than the one that is stored.
            shared
                .store
                .put(self.target().clone(), Entry::nothing(), epoch);
        }
        if self.may_share(&HeaderMap::new()) && status != StatusCode::NOT_MODIFIED {
            shared.flights.unshared(self.target(), now);
        }
        self.scatter(now);
    }

    fn scatter(&mut self, now: Instant) {
        if let Some(leader) = self.leader.take() {
            leader.scatter(now);
        }
    }
}

/// RFC 5861 section 4 names these.
const fn is_failure(status: StatusCode) -> bool {
    matches!(status.as_u16(), 500 | 502 | 503 | 504)
}

/// The length a response announces, by its header or else by its body. `None` where the header
/// cannot be believed: such a response is not stored.
fn declared_length<B: Body>(headers: &HeaderMap, body: &B) -> Option<Option<u64>> {
    let mut lines = headers.get_all(CONTENT_LENGTH).iter();
    let Some(line) = lines.next() else {
        return Some(body.size_hint().exact());
    };
    if lines.next().is_some() {
        return None;
    }
    let digits = line.to_str().ok()?;
    // `parse` would take a sign.
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok().map(Some)
}
