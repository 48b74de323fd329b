//! A request whose head has been judged: it claims to be signed, and what is left is the body.

use std::{sync::Arc, time::SystemTime};

use crate::{
    Key, Rejection, Secret, Secrets, Verified, VerifiedBody,
    hash::Hasher,
    scheme::{Algorithm, Message, Piece, Place, Spec, digest, read, read_timestamp},
    tag::Tag,
};

#[derive(Debug)]
pub(crate) struct Claim {
    pub(crate) spec: Arc<Spec>,
    /// Of the scheme's brands; always one of them.
    pub(crate) brand: usize,
    pub(crate) expected: Expected,
    /// The spellings of what may have been signed. None when it is the body alone.
    pub(crate) messages: Vec<Message>,
    /// Of the body, as the request says.
    pub(crate) digest: Option<Vec<u8>>,
    pub(crate) is_form: bool,
    pub(crate) now: SystemTime,
    /// What will be said of the request if a signature is right.
    pub(crate) verified: Verified,
}

/// The signatures of a request, any of which will do.
#[derive(Debug, Default)]
pub(crate) struct Expected {
    first: Option<Tag>,
    rest: Vec<Tag>,
    pub(crate) candidates: usize,
    pub(crate) malformed: bool,
    /// They come with the body.
    pub(crate) in_body: bool,
}

impl Expected {
    pub(crate) fn push(&mut self, tag: Tag) {
        if self.first.is_none() {
            self.first = Some(tag);
        } else {
            self.rest.push(tag);
        }
    }

    /// After the last one: is there any?
    pub(crate) fn conclude(&self) -> Result<(), Rejection> {
        if self.first.is_some() || self.in_body {
            Ok(())
        } else if self.malformed {
            Err(Rejection::MalformedSignature)
        } else {
            Err(Rejection::MissingSignature)
        }
    }

    fn tags(&self) -> impl Iterator<Item = &Tag> {
        self.first.iter().chain(&self.rest)
    }

    /// Each is compared, whichever is right.
    fn contains(&self, tag: &Tag) -> bool {
        self.tags()
            .fold(false, |found, each| found | each.matches(tag))
    }
}

/// A key's signature over a message, and whether it is the one that was expected.
struct Check {
    matches: bool,
    identity: Tag,
}

impl Claim {
    pub(crate) fn spellings(&self) -> usize {
        self.messages.len().max(1)
    }

    /// A hash of what comes before the body, for schemes that stream. `None` when the key is of
    /// another kind.
    pub(crate) fn start(&self, key: &Key, spelling: usize) -> Option<Hasher> {
        let mut hasher = self.hasher(key)?;
        self.known(spelling, true)
            .for_each(|bytes| hasher.update(bytes));
        Some(hasher)
    }

    pub(crate) fn hasher(&self, key: &Key) -> Option<Hasher> {
        match (self.spec.algorithm, key) {
            (Algorithm::Hmac(hash), Key::Shared(secret)) => Some(Hasher::keyed(hash, secret)),
            (Algorithm::Digest(hash), Key::Shared(_)) => Some(Hasher::plain(hash)),
            #[cfg(feature = "ed25519")]
            _ => None,
        }
    }

    /// The bytes before the body, or those after it.
    fn known(&self, spelling: usize, before: bool) -> impl Iterator<Item = &[u8]> {
        let pieces = self
            .messages
            .get(spelling)
            .map_or(&[][..], |it| &it.pieces[..]);
        let body = pieces.iter().position(|piece| matches!(piece, Piece::Body));
        let (head, tail) = pieces.split_at(body.unwrap_or(pieces.len()));
        let pieces = if before { head } else { tail };
        pieces.iter().filter_map(|piece| match piece {
            Piece::Known(bytes) => Some(&bytes[..]),
            _ => None,
        })
    }

    /// Ends a hash that has seen the body.
    fn conclude(&self, mut hasher: Hasher, spelling: usize) -> Check {
        self.known(spelling, false)
            .for_each(|bytes| hasher.update(bytes));
        self.compare(hasher.finish())
    }

    fn compare(&self, tag: Tag) -> Check {
        let tag = Tag::new(&tag.as_bytes()[..self.spec.tag_len.min(tag.as_bytes().len())]);
        Check {
            matches: self.expected.contains(&tag),
            identity: tag,
        }
    }

    /// Hashes a body that is there. `None` when the key is of another kind.
    fn check(
        &self,
        key: &Key,
        spelling: usize,
        body: &VerifiedBody,
    ) -> Result<Option<Check>, Rejection> {
        match key {
            Key::Shared(secret) => {
                let Some(mut hasher) = self.hasher(key) else {
                    return Ok(None);
                };
                self.write(spelling, Some(secret), body, |bytes| hasher.update(bytes))?;
                Ok(Some(self.compare(hasher.finish())))
            }
            #[cfg(feature = "ed25519")]
            Key::Public(key) if self.spec.algorithm == Algorithm::Ed25519 => {
                let mut message = Vec::new();
                self.write(spelling, None, body, |bytes| {
                    message.extend_from_slice(bytes);
                })?;
                let matches = |found, tag| found | key.verifies(&message, tag);
                Ok(Some(Check {
                    matches: self.expected.tags().fold(false, matches),
                    identity: {
                        let mut hasher = Hasher::plain(crate::Hash::Sha256);
                        hasher.update(&message);
                        hasher.finish()
                    },
                }))
            }
            #[cfg(feature = "ed25519")]
            Key::Public(_) => Ok(None),
        }
    }

    /// Hands all that is signed to `sink`.
    pub(crate) fn write(
        &self,
        spelling: usize,
        secret: Option<&Secret>,
        body: &VerifiedBody,
        mut sink: impl FnMut(&[u8]),
    ) -> Result<(), Rejection> {
        let Some(message) = self.messages.get(spelling) else {
            body.frames().for_each(|frame| sink(frame));
            return Ok(());
        };
        let secret = secret.map(Secret::bytes);
        let mut pieces = message.pieces.iter();
        pieces.try_for_each(|piece| piece.write(self, secret, body, &mut sink))
    }

    /// The verdict over a body that is there. `running` has hashed it with the newest key already.
    ///
    /// Only when that one doesn't match is the body hashed again, once for each older key and each
    /// further spelling.
    pub(crate) fn finish(
        mut self: Box<Self>,
        running: Option<Hasher>,
        secrets: &Secrets,
        body: &VerifiedBody,
    ) -> Result<Verified, Rejection> {
        self.read_from(body)?;
        let first = match running {
            Some(hasher) => Some(self.conclude(hasher, 0)),
            None => self.check(secrets.newest(), 0, body)?,
        };
        // Even when an older key matches: several signatures of one request have one identity.
        let newest = first.as_ref().map(|check| check.identity);
        let mut right = first.filter(|check| check.matches).map(|check| (0, check));
        if right.is_none() {
            let newest = (1..self.spellings()).map(|spelling| (0, secrets.newest(), spelling));
            let older = secrets.older(self.now).flat_map(|(index, key)| {
                (0..self.spellings()).map(move |spelling| (index, key, spelling))
            });
            for (index, key, spelling) in newest.chain(older) {
                if let Some(check) = self.check(key, spelling, body)?
                    && check.matches
                {
                    right = Some((index, check));
                    break;
                }
            }
        }
        let Some((index, check)) = right else {
            return Err(Rejection::WrongSignature);
        };
        self.accept(index, check.identity, newest, body)
    }

    /// The verdict over hashes with every key and spelling, for schemes that don't keep the body.
    pub(crate) fn finish_running(
        self: Box<Self>,
        running: Vec<(usize, usize, Hasher)>,
    ) -> Result<Verified, Rejection> {
        let mut newest = None;
        let mut right = None;
        for (index, spelling, hasher) in running {
            let check = self.conclude(hasher, spelling);
            if index == 0 && spelling == 0 {
                newest = Some(check.identity);
            }
            if check.matches && right.is_none() {
                right = Some((index, check.identity));
            }
        }
        let Some((index, identity)) = right else {
            return Err(Rejection::WrongSignature);
        };
        self.accept(index, identity, newest, &VerifiedBody::default())
    }

    /// What the scheme keeps in the body and is needed before the signature can be judged.
    fn read_from(&mut self, body: &VerifiedBody) -> Result<(), Rejection> {
        if !self.expected.in_body {
            return Ok(());
        }
        let places = self.spec.brands[self.brand].signatures.iter();
        for place in places.filter(|place| place.is_in_body()) {
            let found = place.find_in(body);
            if let Some(text) = found.text() {
                read(&self.spec, text, &mut self.expected)?;
            }
        }
        self.expected.in_body = false;
        self.expected.conclude()
    }

    /// A signature is right; is the rest?
    fn accept(
        mut self: Box<Self>,
        key_index: usize,
        identity: Tag,
        newest: Option<Tag>,
        body: &VerifiedBody,
    ) -> Result<Verified, Rejection> {
        self.check_digest(body)?;
        let brand = &self.spec.brands[self.brand];
        let in_body = |place: &Option<Place>| {
            let place = place.as_ref().filter(|place| place.is_in_body());
            place.map(|place| place.find_in(body))
        };
        if let Some(found) = in_body(&brand.timestamp) {
            let time = read_timestamp(&self.spec, &found, self.now)?;
            self.verified.set_timestamp(time);
        }
        let label = |place| in_body(place).and_then(|found| found.text().map(str::to_owned));
        let (event, id) = (label(&brand.event), label(&brand.id));
        self.verified.set_labels(event, id);
        // One signature among several can be taken out or moved by whoever captured the request;
        // what is signed stays the same.
        let identity = match newest {
            Some(newest) if self.spec.signature.may_be_many() => newest,
            _ => identity,
        };
        Ok(self.verified.by(key_index, identity))
    }

    fn check_digest(&self, body: &VerifiedBody) -> Result<(), Rejection> {
        let Some(expected) = &self.spec.digest else {
            return Ok(());
        };
        match &self.digest {
            Some(text) => {
                let right = digest(expected.hash, body);
                let right = expected.encoding.encode(right.as_bytes());
                if *text == expected.pattern.replacen("{}", &right, 1).into_bytes() {
                    Ok(())
                } else {
                    Err(Rejection::WrongDigest)
                }
            }
            None if body.len() == 0 || self.covers_body() => Ok(()),
            None => Err(Rejection::WrongDigest),
        }
    }

    fn covers_body(&self) -> bool {
        self.messages
            .iter()
            .flat_map(|message| &message.pieces)
            .any(|piece| match piece {
                Piece::Body | Piece::Digest(..) => true,
                Piece::SortedForm => self.is_form,
                _ => false,
            })
    }
}
