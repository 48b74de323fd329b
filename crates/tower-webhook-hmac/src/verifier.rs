use std::fmt;

use bytes::Bytes;

use crate::{Rejection, Secrets, Verified, VerifiedBody, claim::Claim, hash::Hasher};

/// The check of one body, fed with its bytes as they come. Made by [`Scheme::verifier`].
///
/// How the bytes are split makes no difference. There is no limit here: bound what you feed. Every
/// byte is hashed with every secret, and kept only for schemes that sign or carry something out of
/// the body.
///
/// [`Scheme::verifier`]: crate::Scheme::verifier
pub struct Verifier {
    claim: Box<Claim>,
    secrets: Secrets,
    state: State,
}

enum State {
    /// The number of the key, that of the spelling, and their hash.
    Hashing(Vec<(usize, usize, Hasher)>),
    Keeping(VerifiedBody),
}

impl Verifier {
    pub(crate) fn new(claim: Box<Claim>, secrets: Secrets) -> Self {
        let state = if claim.spec.keeps_body() {
            State::Keeping(VerifiedBody::default())
        } else {
            let keys = std::iter::once((0, secrets.newest())).chain(secrets.older(claim.now));
            let start =
                |(index, key, spelling)| Some((index, spelling, claim.start(key, spelling)?));
            let every = |(index, key)| (0..claim.spellings()).map(move |it| (index, key, it));
            State::Hashing(keys.flat_map(every).filter_map(start).collect())
        };
        Self {
            claim,
            secrets,
            state,
        }
    }

    /// Takes the next bytes of the body.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.state {
            State::Hashing(running) => {
                running
                    .iter_mut()
                    .for_each(|(.., hasher)| hasher.update(bytes));
            }
            State::Keeping(body) => body.push_data(Bytes::copy_from_slice(bytes)),
        }
    }

    /// Compares, after the last byte. Signatures are compared in constant time.
    ///
    /// # Errors
    ///
    /// [`Rejection::WrongSignature`] when no secret gives a signature of the request, and whatever
    /// is wrong with what the scheme keeps in the body.
    pub fn finish(self) -> Result<Verified, Rejection> {
        match self.state {
            State::Hashing(running) => self.claim.finish_running(running),
            State::Keeping(body) => self.claim.finish(None, &self.secrets, &body),
        }
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("scheme", &self.claim.spec.name)
            .finish_non_exhaustive()
    }
}
