use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::{Duration, SystemTime},
};

use http::HeaderMap;
use pin_project_lite::pin_project;

use super::{
    claims::{Claims, Registered},
    key::VerifyingKey,
    key_set::VerifyingKeys,
    rules::{Rules, Unverified},
};
use crate::{
    Authenticator, Challenge, Credential, Flaw, Place, Presented, Rejection, Unavailable, Verified,
};

/// RFC 7519 section 4.1.4 allows for "no more than a few minutes" of clocks that differ.
const LEEWAY: Duration = Duration::from_secs(60);

/// What servers commonly take as all of the header lines.
const MAX_LEN: usize = 8 * 1024;

/// Authenticates by JSON Web Tokens, sent as `Authorization: Bearer …`.
///
/// The [module](super) says what makes a token good.
#[derive(Debug)]
pub struct Jwt<K, F> {
    keys: K,
    judge: Judge<F>,
}

struct Judge<F> {
    rules: Arc<Rules>,
    principal: Arc<F>,
}

impl<K, F> Jwt<K, F> {
    /// Tokens signed with one of `keys`. `principal` makes of their claims who is calling:
    /// `Fn(&Claims) -> Option<P>`, where `None` refuses the token.
    pub fn new<P>(keys: K, principal: F) -> Self
    where
        F: Fn(&Claims<'_>) -> Option<P>,
    {
        Self {
            keys,
            judge: Judge {
                rules: Arc::new(Rules {
                    issuer: None,
                    audience: None,
                    token_type: None,
                    leeway: LEEWAY,
                    max_len: MAX_LEN,
                }),
                principal: Arc::new(principal),
            },
        }
    }

    /// Whose tokens are taken (`iss`). Default: whoever has the key.
    #[must_use]
    pub fn issuer(mut self, issuer: impl Into<Box<str>>) -> Self {
        self.rules().issuer = Some(issuer.into());
        self
    }

    /// The name under which tokens are meant for this server (`aud`). Default: none, and then
    /// tokens that are meant for somebody aren't taken.
    #[must_use]
    pub fn audience(mut self, audience: impl Into<Box<str>>) -> Self {
        self.rules().audience = Some(audience.into());
        self
    }

    /// The type that tokens must say they are (`typ`), such as `at+jwt` (RFC 9068). Default: they
    /// may say `JWT`, or nothing.
    #[must_use]
    pub fn token_type(mut self, token_type: impl Into<Box<str>>) -> Self {
        self.rules().token_type = Some(token_type.into());
        self
    }

    /// By how much the issuer's clock may differ. Default: 60 s.
    #[must_use]
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.rules().leeway = leeway;
        self
    }

    /// The longest token in bytes, inclusive; a longer one isn't read. Default: 8 KiB, what
    /// servers commonly take as all header lines together.
    #[must_use]
    pub fn max_len(mut self, bytes: usize) -> Self {
        self.rules().max_len = bytes;
        self
    }

    fn rules(&mut self) -> &mut Rules {
        Arc::make_mut(&mut self.judge.rules)
    }
}

impl<F> Judge<F> {
    fn judge<P>(
        &self,
        text: &[u8],
        token: &Unverified,
        key: &VerifyingKey,
        now: SystemTime,
    ) -> Result<Verified<P>, Flaw>
    where
        F: Fn(&Claims<'_>) -> Option<P>,
    {
        let payload = token.open(text, key)?;
        let registered: Registered =
            serde_json::from_slice(&payload).map_err(|_| Flaw::Malformed)?;
        let expires_at = self.rules.judge(&registered, now)?;
        let claims = Claims {
            payload: &payload,
            registered: &registered,
        };
        let principal = (self.principal)(&claims).ok_or(Flaw::Principal)?;
        Ok(Verified {
            principal,
            expires_at: Some(expires_at),
        })
    }
}

impl<K, F, P> Authenticator for Jwt<K, F>
where
    K: VerifyingKeys,
    F: Fn(&Claims<'_>) -> Option<P>,
{
    type Credential = Credential;
    type Principal = P;
    type Future = JwtFuture<K::Future, F>;

    fn present(&self, headers: &HeaderMap) -> Result<Presented<Credential>, Rejection> {
        let dots = |text: &[u8]| text.iter().filter(|byte| **byte == b'.').count();
        Ok(match Place::Bearer.read(headers)? {
            None => Presented::Nothing,
            Some(text) if dots(text.as_bytes()) == 2 => Presented::Credential(text),
            Some(_) => Presented::Foreign,
        })
    }

    fn verify(&self, credential: Credential, now: SystemTime) -> Self::Future {
        JwtFuture {
            state: match self.judge.rules.read(credential.as_bytes()) {
                Ok(token) => State::Finding {
                    key: self.keys.find(token.key_id.as_deref()),
                    token,
                    credential,
                    now,
                    judge: self.judge.clone(),
                },
                Err(flaw) => State::Refused { flaw },
            },
        }
    }

    fn challenges(&self, list: &mut Vec<Challenge>) {
        list.push(Challenge::Bearer);
    }
}

pin_project! {
    /// The decision of a [`Jwt`].
    pub struct JwtFuture<K, F> {
        #[pin]
        state: State<K, F>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<K, F> {
        // Polls the source of keys.
        Finding {
            #[pin]
            key: K,
            token: Unverified,
            credential: Credential,
            now: SystemTime,
            judge: Judge<F>,
        },
        // By what it is like; no key was asked for.
        Refused { flaw: Flaw },
    }
}

impl<K, F, P> Future for JwtFuture<K, F>
where
    K: Future<Output = Result<Option<Arc<VerifyingKey>>, Unavailable>>,
    F: Fn(&Claims<'_>) -> Option<P>,
{
    type Output = Result<Verified<P>, Rejection>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match self.project().state.project() {
            StateProj::Finding {
                key,
                token,
                credential,
                now,
                judge,
            } => match ready!(key.poll(cx)) {
                Ok(key) => key
                    .ok_or(Flaw::Key)
                    .and_then(|key| judge.judge(credential.as_bytes(), token, &key, *now))
                    .map_err(Rejection::InvalidCredential),
                Err(unavailable) => Err(Rejection::Unavailable(unavailable)),
            },
            StateProj::Refused { flaw } => Err(Rejection::InvalidCredential(*flaw)),
        })
    }
}

impl<K: Clone, F> Clone for Jwt<K, F> {
    fn clone(&self) -> Self {
        Self {
            keys: self.keys.clone(),
            judge: self.judge.clone(),
        }
    }
}

/// By hand, since sharing needs no `Clone` of the closure.
impl<F> Clone for Judge<F> {
    fn clone(&self) -> Self {
        Self {
            rules: Arc::clone(&self.rules),
            principal: Arc::clone(&self.principal),
        }
    }
}

/// By hand, since closures are not `Debug`.
impl<F> fmt::Debug for Judge<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Judge")
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}

impl<K, F> fmt::Debug for JwtFuture<K, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtFuture").finish_non_exhaustive()
    }
}
