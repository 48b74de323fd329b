//! What may be stored, for how long, and whom it may answer. Pure: the time is an argument.

mod freshness;
#[cfg(test)]
mod tests;

use std::time::{Duration, SystemTime};

use http::{
    HeaderMap, Method, Request, StatusCode,
    header::{
        CONTENT_LENGTH, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE,
        RANGE, SET_COOKIE, TRANSFER_ENCODING, UPGRADE,
    },
};

pub(crate) use self::freshness::unix_seconds;
use super::{
    credential::Credential,
    directives::Directives,
    outcome::{BypassReason, CacheOverride, Override},
};

/// Whom one entry answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// One principal: the key keeps them apart.
    Private,
    /// Everybody, as far as the response allows.
    Shared,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy {
    pub(crate) mode: Mode,
    pub(crate) default_ttl: Option<Duration>,
    pub(crate) max_object_bytes: usize,
}

/// What to do with a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    Bypass(BypassReason),
    /// Pass it on, and forget what is stored for its URI if it succeeds.
    Invalidate,
    Lookup(Wants),
}

/// What a request asks of a stored response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wants {
    /// Nothing stored will do, though the answer may be stored.
    refetch: bool,
    max_age: Option<Duration>,
    min_fresh: Option<Duration>,
    credential: Credential,
    default_ttl: Option<Duration>,
}

/// When a response came, and how long after its request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    pub(crate) wall: SystemTime,
    pub(crate) delay: Duration,
}

/// On which terms a response is stored. Storable and reusable are not told by a lifetime of zero:
/// a response without terms is not stored at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    /// How long after its arrival it is fresh; never zero.
    fresh_for: Duration,
    /// How old it was when it arrived.
    initial_age: Duration,
    /// The strongest credential that it may answer.
    audience: Credential,
}

impl Policy {
    pub(crate) const fn new(mode: Mode) -> Self {
        Self {
            mode,
            default_ttl: None,
            max_object_bytes: 1024 * 1024,
        }
    }

    pub(crate) fn plan<B>(&self, request: &Request<B>) -> Plan {
        let headers = request.headers();
        let wish = request.extensions().get::<CacheOverride>();
        let wish = wish.map(|wish| wish.kind);
        if request.method() != Method::GET {
            // RFC 9111 section 4.4. CONNECT and methods nobody knows are unsafe too.
            return if request.method().is_safe() {
                Plan::Bypass(BypassReason::Method)
            } else {
                Plan::Invalidate
            };
        }
        if let Some(Override::Bypass) = wish {
            return Plan::Bypass(BypassReason::Override);
        }
        if let Some(reason) = bypass_reason(headers) {
            return Plan::Bypass(reason);
        }
        let directives = Directives::of(headers);
        if directives.no_store {
            return Plan::Bypass(BypassReason::NoStore);
        }
        Plan::Lookup(Wants {
            // `max-age=0` is how browsers say reload, so an age of nothing is too old as well.
            refetch: directives.no_cache || directives.max_age == Some(Duration::ZERO),
            max_age: directives.max_age,
            min_fresh: directives.min_fresh,
            credential: Credential::of(request.uri(), headers),
            default_ttl: match wish {
                Some(Override::DefaultTtl(ttl)) => Some(ttl),
                _ => self.default_ttl,
            },
        })
    }

    /// RFC 9111 section 3: the terms on which a response may be stored, if it may.
    pub(crate) fn terms(
        &self,
        wants: &Wants,
        status: StatusCode,
        headers: &HeaderMap,
        arrival: Arrival,
    ) -> Option<Terms> {
        let directives = Directives::of(headers);
        let forbidden = directives.no_store
            // Reuse would need validation every time, which this cache does not do.
            || directives.no_cache
            || (directives.private && self.mode == Mode::Shared)
            // Whoever is answered with it would take on the session of another.
            || headers.contains_key(SET_COOKIE);
        if status != StatusCode::OK || forbidden {
            return None;
        }

        let initial_age = freshness::initial_age(headers, arrival);
        let explicit = freshness::explicit_lifetime(self.mode, &directives, headers, arrival.wall);
        let fresh_for = match explicit {
            Some(lifetime) => lifetime.saturating_sub(initial_age),
            None => wants.default_ttl?,
        };
        let audience = match self.mode {
            Mode::Private => Credential::Authorization,
            Mode::Shared if shares_authorized(&directives) => Credential::Authorization,
            Mode::Shared if explicit.is_some() => Credential::Cookie,
            Mode::Shared => Credential::None,
        };
        (!fresh_for.is_zero() && wants.credential <= audience).then_some(Terms {
            fresh_for,
            initial_age,
            audience,
        })
    }
}

impl Terms {
    /// RFC 9111 section 4: whether the stored response answers the request, having been kept for
    /// `resident`. It is fresh as long as its lifetime is *greater* than its age (section 4.2).
    pub(crate) fn answer(&self, wants: &Wants, resident: Duration) -> bool {
        let left = self.fresh_for.saturating_sub(resident);
        !wants.refetch
            && wants.credential <= self.audience
            && !left.is_zero()
            && wants.max_age.is_none_or(|most| self.age(resident) <= most)
            && wants.min_fresh.is_none_or(|least| left >= least)
    }

    /// RFC 9111 section 4.2.3: the current age.
    pub(crate) fn age(&self, resident: Duration) -> Duration {
        self.initial_age.saturating_add(resident)
    }
}

/// RFC 9111 section 3.5: whether a shared cache may store the response to a request with
/// `Authorization`.
const fn shares_authorized(response: &Directives) -> bool {
    response.public || response.must_revalidate || response.s_maxage.is_some()
}

fn bypass_reason(headers: &HeaderMap) -> Option<BypassReason> {
    const CONDITIONS: [http::HeaderName; 5] = [
        IF_MATCH,
        IF_MODIFIED_SINCE,
        IF_NONE_MATCH,
        IF_RANGE,
        IF_UNMODIFIED_SINCE,
    ];
    if headers.contains_key(RANGE) {
        Some(BypassReason::Range)
    } else if CONDITIONS.iter().any(|name| headers.contains_key(name)) {
        Some(BypassReason::Conditional)
    } else if headers.contains_key(UPGRADE) {
        Some(BypassReason::Upgrade)
    } else if headers.contains_key(TRANSFER_ENCODING)
        || headers
            .get(CONTENT_LENGTH)
            .is_some_and(|value| value != "0")
    {
        Some(BypassReason::Content)
    } else {
        None
    }
}
