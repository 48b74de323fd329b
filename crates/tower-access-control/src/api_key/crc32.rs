//! The check sum of Ethernet and zip (CRC-32/ISO-HDLC), half a byte at a time.

const REVERSED_POLYNOMIAL: u32 = 0xedb8_8320;

const TABLE: [u32; 16] = {
    let mut table = [0; 16];
    let mut index = 0;
    while index < 16 {
        let mut remainder = index as u32;
        let mut bit = 0;
        while bit < 4 {
            remainder = (remainder >> 1) ^ (REVERSED_POLYNOMIAL * (remainder & 1));
            bit += 1;
        }
        table[index] = remainder;
        index += 1;
    }
    table
};

pub(super) fn crc32(bytes: &[u8]) -> u32 {
    let remainder = bytes.iter().fold(u32::MAX, |remainder, byte| {
        let remainder = half(remainder ^ u32::from(*byte));
        half(remainder)
    });
    !remainder
}

fn half(remainder: u32) -> u32 {
    (remainder >> 4) ^ TABLE[(remainder & 15) as usize]
}

#[cfg(test)]
mod tests {
    use super::crc32;

    #[test]
    fn the_catalogue_s_check_value_comes_out() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32(b""), 0);
    }
}
