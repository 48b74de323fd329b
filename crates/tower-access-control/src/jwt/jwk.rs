use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::Value;

use super::{
    algorithm::Algorithm,
    key::{KeyError, VerifyingKey},
};

/// A public key as issuers publish it (RFC 7517 section 4).
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    kid: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

/// A set of them (RFC 7517 section 5). Members that can't be read aren't wrong, only of no use.
#[derive(Deserialize)]
pub(super) struct JwkSet {
    pub(super) keys: Vec<Value>,
}

/// Secrets (`oct`) are refused: what is published, or fetched from somewhere, is not a secret.
pub(super) fn verifying_key(jwk: &Value) -> Result<VerifyingKey, KeyError> {
    let jwk = Jwk::deserialize(jwk).map_err(|_| KeyError::Malformed)?;
    let verifies = |operations: &Vec<String>| operations.iter().any(|each| each == "verify");
    if jwk.usage.as_deref().is_some_and(|usage| usage != "sig")
        || jwk.key_ops.as_ref().is_some_and(|each| !verifies(each))
    {
        return Err(KeyError::Unsupported);
    }
    let named = match &jwk.alg {
        Some(name) => Some(Algorithm::named(name).ok_or(KeyError::Unsupported)?),
        None => None,
    };
    let (algorithm, key) = match (&*jwk.kty, jwk.crv.as_deref()) {
        ("RSA", _) => {
            // Without a name, the one that all issuers of OpenID Connect must have.
            let algorithm = named.unwrap_or(Algorithm::Rs256);
            let (n, e) = (number(jwk.n)?, number(jwk.e)?);
            (algorithm, VerifyingKey::rsa(algorithm, &n, &e)?)
        }
        ("EC", Some(curve)) => {
            let algorithm = match curve {
                "P-256" => Algorithm::Es256,
                "P-384" => Algorithm::Es384,
                _ => return Err(KeyError::Unsupported),
            };
            let (x, y) = (number(jwk.x)?, number(jwk.y)?);
            (algorithm, VerifyingKey::ecdsa(algorithm, &x, &y)?)
        }
        ("OKP", Some("Ed25519")) => (Algorithm::EdDsa, VerifyingKey::ed25519(&number(jwk.x)?)?),
        _ => return Err(KeyError::Unsupported),
    };
    if named.is_some_and(|named| named != algorithm) {
        return Err(KeyError::Malformed);
    }
    Ok(match jwk.kid {
        Some(id) => key.id(id),
        None => key,
    })
}

fn number(text: Option<String>) -> Result<Vec<u8>, KeyError> {
    let text = text.ok_or(KeyError::Malformed)?;
    URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| KeyError::Malformed)
}
