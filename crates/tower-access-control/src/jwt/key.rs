use std::{error, fmt};

use ring::{
    hmac,
    signature::{self, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey},
};

use super::algorithm::Algorithm;

/// A key together with the one algorithm it is used with.
///
/// `Debug` shows no key material.
#[derive(Clone)]
pub struct VerifyingKey {
    id: Option<Box<str>>,
    algorithm: Algorithm,
    material: Material,
}

#[derive(Clone)]
pub(super) enum Material {
    Hmac(hmac::Key),
    Rsa {
        parameters: &'static RsaParameters,
        components: RsaPublicKeyComponents<Vec<u8>>,
    },
    Point(UnparsedPublicKey<Vec<u8>>),
}

impl VerifyingKey {
    /// A shared secret, for HS256.
    ///
    /// # Errors
    ///
    /// [`KeyError::Weak`] for less than 32 bytes (RFC 7518 section 3.2).
    pub fn hs256(secret: &[u8]) -> Result<Self, KeyError> {
        Self::hmac(Algorithm::Hs256, hmac::HMAC_SHA256, secret)
    }

    /// A shared secret, for HS384.
    ///
    /// # Errors
    ///
    /// [`KeyError::Weak`] for less than 48 bytes.
    pub fn hs384(secret: &[u8]) -> Result<Self, KeyError> {
        Self::hmac(Algorithm::Hs384, hmac::HMAC_SHA384, secret)
    }

    /// A shared secret, for HS512.
    ///
    /// # Errors
    ///
    /// [`KeyError::Weak`] for less than 64 bytes.
    pub fn hs512(secret: &[u8]) -> Result<Self, KeyError> {
        Self::hmac(Algorithm::Hs512, hmac::HMAC_SHA512, secret)
    }

    fn hmac(algorithm: Algorithm, hash: hmac::Algorithm, secret: &[u8]) -> Result<Self, KeyError> {
        if secret.len() < hash.digest_algorithm().output_len() {
            return Err(KeyError::Weak);
        }
        Ok(Self {
            id: None,
            algorithm,
            material: Material::Hmac(hmac::Key::new(hash, secret)),
        })
    }

    /// An RSA public key, modulus and exponent as big-endian numbers.
    ///
    /// # Errors
    ///
    /// [`KeyError::Weak`] for a modulus of less than 2048 bits, [`KeyError::Unsupported`] for more
    /// than 8192 and for an `algorithm` that isn't one of RSA.
    pub fn rsa(algorithm: Algorithm, n: &[u8], e: &[u8]) -> Result<Self, KeyError> {
        let parameters = match algorithm {
            Algorithm::Rs256 => &signature::RSA_PKCS1_2048_8192_SHA256,
            Algorithm::Rs384 => &signature::RSA_PKCS1_2048_8192_SHA384,
            Algorithm::Rs512 => &signature::RSA_PKCS1_2048_8192_SHA512,
            Algorithm::Ps256 => &signature::RSA_PSS_2048_8192_SHA256,
            Algorithm::Ps384 => &signature::RSA_PSS_2048_8192_SHA384,
            Algorithm::Ps512 => &signature::RSA_PSS_2048_8192_SHA512,
            _ => return Err(KeyError::Unsupported),
        };
        // ring takes no leading zeros.
        let n = without_zeros(n);
        let bits = 8 * n.len() - n.first().map_or(0, |first| first.leading_zeros() as usize);
        match bits {
            ..2048 => Err(KeyError::Weak),
            2048..=8192 => Ok(Self {
                id: None,
                algorithm,
                material: Material::Rsa {
                    parameters,
                    components: RsaPublicKeyComponents {
                        n: n.to_vec(),
                        e: without_zeros(e).to_vec(),
                    },
                },
            }),
            _ => Err(KeyError::Unsupported),
        }
    }

    /// A point on a curve, for ES256 or ES384: its coordinates as big-endian numbers.
    ///
    /// # Errors
    ///
    /// [`KeyError::Malformed`] for coordinates of another length than the curve's (32 or 48 bytes),
    /// [`KeyError::Unsupported`] for another `algorithm`.
    pub fn ecdsa(algorithm: Algorithm, x: &[u8], y: &[u8]) -> Result<Self, KeyError> {
        let (curve, length) = match algorithm {
            Algorithm::Es256 => (&signature::ECDSA_P256_SHA256_FIXED, 32),
            Algorithm::Es384 => (&signature::ECDSA_P384_SHA384_FIXED, 48),
            _ => return Err(KeyError::Unsupported),
        };
        if x.len() != length || y.len() != length {
            return Err(KeyError::Malformed);
        }
        // SEC 1 section 2.3.3: 4 is a point that isn't compressed.
        let point = [&[4], x, y].concat();
        Ok(Self {
            id: None,
            algorithm,
            material: Material::Point(UnparsedPublicKey::new(curve, point)),
        })
    }

    /// An Ed25519 public key, for EdDSA.
    ///
    /// # Errors
    ///
    /// [`KeyError::Malformed`] unless it has 32 bytes.
    pub fn ed25519(public: &[u8]) -> Result<Self, KeyError> {
        if public.len() != 32 {
            return Err(KeyError::Malformed);
        }
        Ok(Self {
            id: None,
            algorithm: Algorithm::EdDsa,
            material: Material::Point(UnparsedPublicKey::new(&signature::ED25519, public.to_vec())),
        })
    }

    /// Gives it an id, by which tokens name it in `kid`. Default: none; then it serves tokens that
    /// name any key or none, as long as it is the only one.
    #[must_use]
    pub fn id(mut self, id: impl Into<Box<str>>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// What it is used with.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub(super) fn has_id(&self, id: &str) -> bool {
        self.id.as_deref() == Some(id)
    }

    pub(super) const fn is_nameless(&self) -> bool {
        self.id.is_none()
    }

    /// Whether `signature` is this key's over `message`.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.material {
            Material::Hmac(key) => hmac::verify(key, message, signature),
            Material::Rsa {
                parameters,
                components,
            } => components.verify(parameters, message, signature),
            Material::Point(key) => key.verify(message, signature),
        }
        .is_ok()
    }
}

fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyingKey")
            .field("id", &self.id)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

/// Why a key can't be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// Not written as keys are.
    Malformed,
    /// Too short to be safe.
    Weak,
    /// Of a kind, or for a use, that isn't supported.
    Unsupported,
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "the key is malformed",
            Self::Weak => "the key is too short",
            Self::Unsupported => "the key is of a kind that is not supported",
        })
    }
}

impl error::Error for KeyError {}
