//! Big-endian numbers in digits, upper case and lower case letters.

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Writes `number` over all of `text`, leading zeros included. `text` has to be long enough.
pub(super) fn write(number: &mut [u8], text: &mut [u8]) {
    for place in text.iter_mut().rev() {
        let mut rest = 0_u16;
        for byte in number.iter_mut() {
            let dividend = rest << 8 | u16::from(*byte);
            // Below 256, since `rest` is below 62.
            *byte = (dividend / 62) as u8;
            rest = dividend % 62;
        }
        *place = DIGITS.get(usize::from(rest)).copied().unwrap_or(b'0');
    }
}

pub(super) fn is_digit(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}
