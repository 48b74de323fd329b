use std::{fmt, sync::Arc, time::SystemTime};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

use crate::{
    Key, Secret, SignError, VerifiedBody,
    claim::{Claim, Expected},
    scheme::{Algorithm, Head, Known, Place, Spec, sign_message},
    tag::Tag,
    verified::Verified,
};

/// A signature in the making, fed with the bytes of a body. Made by [`Scheme::signer`].
///
/// Holds the body until it is signed.
///
/// [`Scheme::signer`]: crate::Scheme::signer
pub struct Signer {
    spec: Arc<Spec>,
    secret: Secret,
    id: Option<String>,
    at: Option<SystemTime>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: VerifiedBody,
}

impl Signer {
    pub(crate) fn new(spec: Arc<Spec>, secret: Secret) -> Self {
        Self {
            spec,
            secret,
            id: None,
            at: None,
            method: Method::POST,
            uri: Uri::default(),
            headers: HeaderMap::new(),
            body: VerifiedBody::default(),
        }
    }

    /// The delivery's id, for schemes that have one.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// The time of signing, for schemes that have one.
    #[must_use]
    pub fn at(mut self, time: SystemTime) -> Self {
        self.at = Some(time);
        self
    }

    /// The method, for schemes that sign it. Default: POST.
    #[must_use]
    pub fn method(mut self, method: Method) -> Self {
        self.method = method;
        self
    }

    /// The target of the request, for schemes that sign it. Default: `/`.
    #[must_use]
    pub fn uri(mut self, uri: Uri) -> Self {
        self.uri = uri;
        self
    }

    /// A header the request will have, for schemes that sign some or look at the content type.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    /// Takes the next bytes of the body.
    pub fn update(&mut self, bytes: &[u8]) {
        self.body.push_data(Bytes::copy_from_slice(bytes));
    }

    /// The headers to add to the request, after the last byte: the signature, and the timestamp
    /// and the id where the scheme has them. The signature is marked
    /// [sensitive](HeaderValue::is_sensitive), which keeps it out of `Debug` output.
    ///
    /// # Errors
    ///
    /// [`SignError`] when the scheme signs something that wasn't given, or keeps its signature
    /// somewhere else than in headers; not with [`Scheme::github`](crate::Scheme::github).
    pub fn finish(self) -> Result<HeaderMap, SignError> {
        let brand = self.spec.brands.first().ok_or(SignError::NotInHeaders)?;
        let timestamp = match (self.spec.timestamp, &brand.timestamp) {
            (Some(unit), Some(place)) if !place.is_in_body() => {
                Some(unit.write(self.at.ok_or(SignError::NoTimestamp)?))
            }
            _ => None,
        };
        let id = match &brand.id {
            Some(place) if !place.is_in_body() && self.spec.id_is_signed => {
                Some(self.id.clone().ok_or(SignError::NoId)?)
            }
            _ => self.id.clone(),
        };
        let mut headers = HeaderMap::new();
        let mut pairs = Vec::new();
        for (place, value) in [(&brand.timestamp, &timestamp), (&brand.id, &id)] {
            if let (Some(place), Some(value)) = (place, value) {
                put(place, value, &mut headers, &mut pairs)?;
            }
        }
        let tag = self.tag(timestamp.as_deref(), id.as_deref())?;
        let text = self.spec.signature.write(&pairs, &self.spec.encode(&tag));
        let Some(Place::Header(name)) = brand.signatures.first() else {
            return Err(SignError::NotInHeaders);
        };
        let mut value = HeaderValue::try_from(text).map_err(SignError::HeaderValue)?;
        value.set_sensitive(true);
        headers.insert(name, value);
        Ok(headers)
    }

    fn tag(&self, timestamp: Option<&str>, id: Option<&str>) -> Result<Tag, SignError> {
        let head = Head::from(&self.headers)
            .method(&self.method)
            .uri(&self.uri);
        let known = Known {
            timestamp: timestamp.map(str::as_bytes),
            id: id.map(str::as_bytes),
        };
        let message = sign_message(&self.spec, head, &known).map_err(|_| SignError::NoField)?;
        // The same walk over the pieces as on the other side.
        let claim = Claim {
            spec: Arc::clone(&self.spec),
            brand: 0,
            expected: Expected::default(),
            messages: vec![message],
            digest: None,
            is_form: head.is_form(),
            now: SystemTime::UNIX_EPOCH,
            verified: Verified::new(&self.spec, None, None, None),
        };
        let secret = Some(&self.secret);
        match self.spec.algorithm {
            #[cfg(feature = "ed25519")]
            Algorithm::Ed25519 => {
                let mut message = Vec::new();
                claim
                    .write(0, None, &self.body, |bytes| {
                        message.extend_from_slice(bytes);
                    })
                    .map_err(|_| SignError::NoField)?;
                crate::public_key::sign(self.secret.bytes(), &message).ok_or(SignError::Key)
            }
            Algorithm::Hmac(_) | Algorithm::Digest(_) => {
                let key = Key::from(self.secret.clone());
                let mut hasher = claim.hasher(&key).ok_or(SignError::Key)?;
                claim
                    .write(0, secret, &self.body, |bytes| hasher.update(bytes))
                    .map_err(|_| SignError::NoField)?;
                Ok(hasher.finish())
            }
        }
    }
}

/// Writes a value where the scheme has it.
fn put(
    place: &Place,
    value: &str,
    headers: &mut HeaderMap,
    pairs: &mut Vec<(String, String)>,
) -> Result<(), SignError> {
    match place {
        Place::Header(name) => {
            let value = HeaderValue::try_from(value).map_err(SignError::HeaderValue)?;
            headers.insert(name, value);
            Ok(())
        }
        Place::Elsewhere(crate::Source::Pair(key)) => {
            pairs.push((key.clone(), value.to_owned()));
            Ok(())
        }
        // What is in the body has been written by whoever wrote the body.
        place if place.is_in_body() => Ok(()),
        Place::Elsewhere(_) => Err(SignError::NotInHeaders),
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer")
            .field("scheme", &self.spec.name)
            .finish_non_exhaustive()
    }
}
