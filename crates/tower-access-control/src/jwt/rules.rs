use std::time::{Duration, SystemTime};

use super::{
    algorithm::Algorithm,
    claims::{Registered, time},
    key::VerifyingKey,
    token::{Header, Parts},
};
use crate::Flaw;

/// What a token has to be like. Pure.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    pub(super) issuer: Option<Box<str>>,
    pub(super) audience: Option<Box<str>>,
    pub(super) token_type: Option<Box<str>>,
    pub(super) leeway: Duration,
    /// In bytes.
    pub(super) max_len: usize,
}

impl Rules {
    /// What can be told before the key is known.
    pub(super) fn read(&self, text: &[u8]) -> Result<Unverified, Flaw> {
        if text.len() > self.max_len {
            return Err(Flaw::Oversized);
        }
        let parts = Parts::of(text)?;
        let header = parts.header(text)?;
        let header: Header<'_> = serde_json::from_slice(&header).map_err(|_| Flaw::Malformed)?;
        if header.crit {
            return Err(Flaw::Critical);
        }
        self.check_type(header.typ.as_deref())?;
        Ok(Unverified {
            parts,
            algorithm: Algorithm::named(&header.alg).ok_or(Flaw::Algorithm)?,
            key_id: header.kid,
        })
    }

    /// RFC 7515 section 4.1.9: a media type, compared without case, and without `application/`.
    fn check_type(&self, written: Option<&str>) -> Result<(), Flaw> {
        let right = match (&self.token_type, written.map(short)) {
            (Some(asked), Some(written)) => written.eq_ignore_ascii_case(short(asked)),
            (Some(_), None) => false,
            (None, Some(written)) => written.eq_ignore_ascii_case("JWT"),
            (None, None) => true,
        };
        right.then_some(()).ok_or(Flaw::Type)
    }

    /// When it ends, if the claims are right.
    pub(super) fn judge(&self, claims: &Registered, now: SystemTime) -> Result<SystemTime, Flaw> {
        let end = claims.exp.and_then(time).ok_or(Flaw::Malformed)?;
        // Beyond the end of time is never.
        if end.checked_add(self.leeway).is_some_and(|end| end <= now) {
            return Err(Flaw::Expired);
        }
        if let Some(start) = claims.nbf {
            let start = time(start).ok_or(Flaw::Malformed)?;
            if now.checked_add(self.leeway).is_some_and(|now| now < start) {
                return Err(Flaw::Premature);
            }
        }
        if self.issuer.is_some() && claims.iss.as_deref() != self.issuer.as_deref() {
            return Err(Flaw::Issuer);
        }
        let addressed = match (&self.audience, &claims.aud) {
            (Some(asked), Some(audience)) => audience.contains(asked),
            (None, None) => true,
            _ => false,
        };
        if !addressed {
            return Err(Flaw::Audience);
        }
        Ok(end)
    }
}

/// A token whose signature is still to be verified.
#[derive(Debug)]
pub(super) struct Unverified {
    pub(super) key_id: Option<Box<str>>,
    algorithm: Algorithm,
    parts: Parts,
}

impl Unverified {
    /// The payload, if `key` has signed it.
    pub(super) fn open(&self, text: &[u8], key: &VerifyingKey) -> Result<Vec<u8>, Flaw> {
        if self.algorithm != key.algorithm() {
            return Err(Flaw::Algorithm);
        }
        let signature = self.parts.signature(text)?;
        if !key.verifies(self.parts.signed(text)?, &signature) {
            return Err(Flaw::Signature);
        }
        self.parts.payload(text)
    }
}

fn short(media_type: &str) -> &str {
    match media_type.split_at_checked("application/".len()) {
        Some((tree, name)) if tree.eq_ignore_ascii_case("application/") => name,
        _ => media_type,
    }
}
