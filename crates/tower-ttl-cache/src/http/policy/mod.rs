//! What may be stored, for how long, and whom it may answer. Pure: the time is an argument.

mod freshness;
mod request;
mod terms;
#[cfg(test)]
mod tests;

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, StatusCode, header::SET_COOKIE};

pub(crate) use self::{
    freshness::has_validator,
    request::{Plan, Wants},
    terms::{Reuse, Terms},
};
use super::{credential::Credential, directives::Directives, targeted};

/// Whom one entry answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// One principal: the key keeps them apart.
    Private,
    /// Everybody, as far as the response allows.
    Shared,
}

/// What becomes of a response with `Set-Cookie`.
///
/// The default is [`DontStore`](Self::DontStore): whoever is answered with the cookie of another
/// takes on his session. RFC 9111 (section 7.3) leaves it to the response to say `no-store`, but
/// few services do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SetCookie {
    /// It is not stored.
    #[default]
    DontStore,
    /// It is stored without the cookie.
    Strip,
    /// It is stored with the cookie, and everybody answered from the store receives it.
    Store,
}

#[derive(Clone, Debug)]
pub(crate) struct Policy {
    pub(crate) mode: Mode,
    pub(crate) default_ttl: Option<Duration>,
    /// The longest heuristic lifetime; without one, there is none.
    pub(crate) heuristic: Option<Duration>,
    pub(crate) stale_while_revalidate: Option<Duration>,
    pub(crate) stale_if_error: Option<Duration>,
    pub(crate) set_cookie: SetCookie,
    /// Fields that go before `Cache-Control`, the first first (RFC 9213).
    pub(crate) targeted: Vec<HeaderName>,
    pub(crate) heeds_requests: bool,
    pub(crate) max_object_bytes: usize,
}

/// When a response came, and how long after its request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival {
    pub(crate) wall: SystemTime,
    pub(crate) delay: Duration,
}

/// A response that may be stored.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Storable {
    pub(crate) terms: Terms,
    /// Fields that may not be.
    pub(crate) withheld: Vec<HeaderName>,
}

impl Policy {
    pub(crate) const fn new(mode: Mode) -> Self {
        Self {
            mode,
            default_ttl: None,
            heuristic: None,
            stale_while_revalidate: None,
            stale_if_error: None,
            set_cookie: SetCookie::DontStore,
            targeted: Vec::new(),
            heeds_requests: true,
            max_object_bytes: 1024 * 1024,
        }
    }

    /// RFC 9111 section 3: the terms on which a response may be stored, if it may.
    pub(crate) fn storable(
        &self,
        wants: &Wants,
        status: StatusCode,
        headers: &HeaderMap,
        arrival: Arrival,
    ) -> Option<Storable> {
        // RFC 9213 section 2.1: a targeted field takes the place of `Cache-Control` and `Expires`.
        let target = |name| targeted::directives(headers, name);
        let targeted = self.targeted.iter().find_map(target);
        let plain = targeted.is_none();
        let directives = targeted.unwrap_or_else(|| Directives::of(headers));
        let shared = self.mode == Mode::Shared;

        if status.is_informational() || !may_be_understood(status) {
            return None;
        }
        // Section 5.2.2.3: a cache that understands the status disregards `no-store`.
        let understood = directives.must_understand && is_defined(status);
        let forbidden = ((directives.no_store || directives.must_understand) && !understood)
            || (directives.private && shared)
            // Whoever is answered with it would take on the session of another.
            || (self.set_cookie == SetCookie::DontStore && headers.contains_key(SET_COOKIE));
        if forbidden {
            return None;
        }

        let initial_age = freshness::initial_age(headers, arrival);
        let expires = plain.then_some(headers);
        let explicit = freshness::explicit_lifetime(self.mode, &directives, expires, arrival.wall);
        let by_default = || {
            let ttl = wants.default_ttl.filter(|_| status == StatusCode::OK)?;
            Some(initial_age.saturating_add(ttl))
        };
        // Section 3: without a lifetime, the status or `public` must allow the storing.
        let allowed = directives.public
            || (directives.private && !shared)
            || is_heuristically_cacheable(status);
        let heuristic = || {
            let most = self.heuristic.filter(|_| allowed)?;
            freshness::heuristic_lifetime(headers, arrival.wall, most)
        };
        if explicit.is_none() && !allowed {
            return None;
        }
        let lifetime = explicit.or_else(by_default).or_else(heuristic);

        let audience = match self.mode {
            Mode::Private => Credential::Authorization,
            // Section 3.5.
            Mode::Shared
                if directives.public
                    || directives.must_revalidate
                    || directives.s_maxage.is_some() =>
            {
                Credential::Authorization
            }
            Mode::Shared if explicit.is_some() => Credential::Cookie,
            Mode::Shared => Credential::None,
        };
        // RFC 5861 and section 4.2.4: a prohibition goes before any allowance.
        let never_stale = directives.no_cache
            || directives.must_revalidate
            || (shared && (directives.proxy_revalidate || directives.s_maxage.is_some()));
        let window = |named: Option<Duration>, configured: Option<Duration>| {
            let allowed = named.or(configured).filter(|_| !never_stale);
            allowed.unwrap_or_default()
        };
        let terms = Terms {
            fresh_for: lifetime.unwrap_or_default().saturating_sub(initial_age),
            overdue: initial_age.saturating_sub(lifetime.unwrap_or_default()),
            initial_age,
            audience,
            always_validate: directives.no_cache,
            never_stale,
            immutable: directives.immutable && !shared,
            stale_while_revalidate: window(
                directives.stale_while_revalidate,
                self.stale_while_revalidate,
            ),
            stale_if_error: window(directives.stale_if_error, self.stale_if_error),
        };
        let useful = terms.may_answer_unvalidated() || has_validator(headers);
        if !useful || wants.credential > audience {
            return None;
        }
        let mut withheld = directives.no_cache_fields;
        if shared {
            withheld.extend(directives.private_fields);
        }
        if self.set_cookie == SetCookie::Strip {
            withheld.push(SET_COOKIE);
        }
        Some(Storable { terms, withheld })
    }
}

/// Section 3: final, and understood by this cache. Parts of a response are not put together, a 304
/// is about another response, and a 416 about a range that others do not ask for.
fn may_be_understood(status: StatusCode) -> bool {
    !matches!(
        status,
        StatusCode::PARTIAL_CONTENT | StatusCode::NOT_MODIFIED | StatusCode::RANGE_NOT_SATISFIABLE
    )
}

/// RFC 9110 section 15.1: what may be stored without a lifetime.
fn is_heuristically_cacheable(status: StatusCode) -> bool {
    matches!(
        status.as_u16(),
        200 | 203 | 204 | 300 | 301 | 308 | 404 | 405 | 410 | 414 | 501
    )
}

/// Whether RFC 9110 section 15 defines the status.
fn is_defined(status: StatusCode) -> bool {
    matches!(
        status.as_u16(),
        200..=206 | 300..=305 | 307 | 308 | 400..=417 | 421 | 422 | 426 | 500..=505
    )
}
