use bytes::Bytes;
use http::HeaderMap;

use crate::{Rejection, Secrets, Verified, VerifiedBody, claim::Claim, hash::Hasher};

/// A body on its way in: hashed, counted and kept, frame by frame.
#[derive(Debug)]
pub(crate) struct Intake {
    claim: Box<Claim>,
    secrets: Secrets,
    /// With the newest secret. `None` for schemes whose message has to wait for the end.
    running: Option<Hasher>,
    body: VerifiedBody,
    max_body: u64,
}

impl Intake {
    pub(crate) fn new(claim: Box<Claim>, secrets: Secrets, max_body: u64) -> Self {
        let running = match claim.spec.streams {
            true => claim.start(secrets.newest(), 0),
            false => None,
        };
        Self {
            claim,
            secrets,
            running,
            body: VerifiedBody::default(),
            max_body,
        }
    }

    /// The frame that passes the limit is neither hashed nor kept.
    pub(crate) fn push_data(&mut self, data: Bytes) -> Result<(), Rejection> {
        let len = self.body.len().saturating_add(data.len() as u64);
        if len > self.max_body || self.body.count() as u64 >= max_frames(self.max_body) {
            return Err(Rejection::BodyTooLarge {
                limit: self.max_body,
            });
        }
        if let Some(hasher) = &mut self.running {
            hasher.update(&data);
        }
        self.body.push_data(data);
        Ok(())
    }

    pub(crate) fn set_trailers(&mut self, trailers: HeaderMap) {
        self.body.set_trailers(trailers);
    }

    pub(crate) fn finish(self) -> Result<(Verified, VerifiedBody), Rejection> {
        let verified = self.claim.finish(self.running, &self.secrets, &self.body)?;
        Ok((verified, self.body))
    }
}

/// A kept frame weighs 32 bytes besides its data. Without a bound a body of one-byte or empty
/// frames would take many times `max_body`; with it about as much again, and a MiB. The
/// constant lets small bodies come in single bytes.
fn max_frames(max_body: u64) -> u64 {
    16_384 + max_body / 64
}
