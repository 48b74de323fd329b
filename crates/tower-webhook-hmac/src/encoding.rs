use base64::{
    Engine,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

/// How bytes are written as text.
///
/// Each has one spelling for given bytes, and only that spelling is read: no white space, no
/// stray bits in the last symbol of a base 64 text, padding exactly where it is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Encoding {
    /// Lowercase hexadecimal digits.
    Hex,
    /// Uppercase hexadecimal digits.
    HexUpper,
    /// Base 64 with `+`, `/` and padding (RFC 4648 section 4).
    Base64,
    /// The same without padding.
    Base64Unpadded,
    /// Base 64 with `-`, `_` and padding (RFC 4648 section 5).
    Base64Url,
    /// The same without padding.
    Base64UrlUnpadded,
}

const PADDED: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::RequireCanonical);
const UNPADDED: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_encode_padding(false)
    .with_decode_padding_mode(DecodePaddingMode::RequireNone);

static BASE64: GeneralPurpose = GeneralPurpose::new(&STANDARD, PADDED);
static BASE64_UNPADDED: GeneralPurpose = GeneralPurpose::new(&STANDARD, UNPADDED);
static BASE64_URL: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, PADDED);
static BASE64_URL_UNPADDED: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, UNPADDED);

impl Encoding {
    pub(crate) fn encode(self, bytes: &[u8]) -> String {
        match self.base64() {
            Some(engine) => engine.encode(bytes),
            None => {
                let digits: &[u8; 16] = if self == Self::HexUpper {
                    b"0123456789ABCDEF"
                } else {
                    b"0123456789abcdef"
                };
                bytes
                    .iter()
                    .flat_map(|byte| [byte >> 4, byte & 0xf])
                    .map(|nibble| char::from(digits[usize::from(nibble)]))
                    .collect()
            }
        }
    }

    /// Writes what `text` says into `bytes`, and its length. `None` unless it is well written and
    /// fits.
    pub(crate) fn decode_into(self, text: &[u8], bytes: &mut [u8]) -> Option<usize> {
        if let Some(engine) = self.base64() {
            return engine.decode_slice(text, bytes).ok();
        }
        let (pairs, odd) = text.as_chunks::<2>();
        if !odd.is_empty() || pairs.len() > bytes.len() {
            return None;
        }
        for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
            *byte = self.nibble(*high)? << 4 | self.nibble(*low)?;
        }
        Some(pairs.len())
    }

    /// Decodes a text of any length.
    pub(crate) fn decode(self, text: &[u8]) -> Option<Vec<u8>> {
        let mut bytes = vec![0; text.len() + 4];
        let len = self.decode_into(text, &mut bytes)?;
        bytes.truncate(len);
        Some(bytes)
    }

    fn nibble(self, digit: u8) -> Option<u8> {
        match (digit, self) {
            (b'0'..=b'9', _) => Some(digit - b'0'),
            (b'a'..=b'f', Self::Hex) => Some(digit - b'a' + 10),
            (b'A'..=b'F', Self::HexUpper) => Some(digit - b'A' + 10),
            _ => None,
        }
    }

    fn base64(self) -> Option<&'static GeneralPurpose> {
        match self {
            Self::Hex | Self::HexUpper => None,
            Self::Base64 => Some(&BASE64),
            Self::Base64Unpadded => Some(&BASE64_UNPADDED),
            Self::Base64Url => Some(&BASE64_URL),
            Self::Base64UrlUnpadded => Some(&BASE64_URL_UNPADDED),
        }
    }
}
