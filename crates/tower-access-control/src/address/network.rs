use std::{
    error, fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

/// A range of addresses: `10.0.0.0/8`, `fd00::/8`, or a single address.
///
/// A range of IPv4 addresses written as IPv6 (`::ffff:10.0.0.0/104`) is a range of IPv4 addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network {
    first: IpAddr,
    prefix: u8,
}

impl Network {
    /// The addresses that share the first `prefix` bits with `address`.
    ///
    /// # Errors
    ///
    /// When the address has fewer bits, or others than these are set in it: `10.0.0.1/8` is more
    /// often a slip than a wish.
    pub fn new(address: IpAddr, prefix: u8) -> Result<Self, NetworkError> {
        let bits: u8 = if address.is_ipv4() { 32 } else { 128 };
        let host = bits
            .checked_sub(prefix)
            .ok_or(NetworkError::PrefixTooLong { prefix, bits })?;
        let (first, prefix) = match (address.to_canonical(), address) {
            (first @ IpAddr::V4(_), IpAddr::V6(_)) if prefix >= 96 => (first, prefix - 96),
            _ => (address, prefix),
        };
        let network = Self { first, prefix };
        if number(first) & low_bits(host) != 0 {
            return Err(NetworkError::HostBits);
        }
        Ok(network)
    }

    /// Whether `address` is one of them. An IPv4 address counts as one also when it is written as
    /// IPv6.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let (first, last) = self.range();
        address.is_ipv4() == self.first.is_ipv4() && (first..=last).contains(&number(address))
    }

    /// First and last, as numbers.
    pub(super) fn range(&self) -> (u128, u128) {
        let bits = if self.first.is_ipv4() { 32 } else { 128 };
        let first = number(self.first);
        (first, first | low_bits(bits - self.prefix))
    }

    pub(super) const fn is_ipv4(&self) -> bool {
        self.first.is_ipv4()
    }
}

/// An address as a number; those of IPv4 below 2 to the 32.
pub(super) fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => Ipv4Addr::to_bits(address).into(),
        IpAddr::V6(address) => Ipv6Addr::to_bits(address),
    }
}

/// `count` ones.
fn low_bits(count: u8) -> u128 {
    u128::MAX
        .checked_shr(128_u32.saturating_sub(count.into()))
        .unwrap_or(0)
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| NetworkError::Malformed)?;
        let prefix = match prefix {
            // `parse` takes a plus sign.
            Some(prefix) if prefix.bytes().all(|byte| byte.is_ascii_digit()) => {
                prefix.parse().map_err(|_| NetworkError::Malformed)?
            }
            Some(_) => return Err(NetworkError::Malformed),
            None if address.is_ipv4() => 32,
            None => 128,
        };
        Self::new(address, prefix)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.prefix)
    }
}

/// Why a [`Network`] cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NetworkError {
    /// Not `address` or `address/prefix`.
    Malformed,
    /// The prefix is longer than the address.
    PrefixTooLong {
        /// What was asked for.
        prefix: u8,
        /// How many bits there are.
        bits: u8,
    },
    /// The address has bits set behind the prefix.
    HostBits,
}

impl fmt::Display for NetworkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed => f.write_str("a network is not written as address/prefix"),
            Self::PrefixTooLong { prefix, bits } => {
                write!(
                    f,
                    "a prefix of {prefix} bits is longer than the {bits} of the address"
                )
            }
            Self::HostBits => f.write_str("a network's address has bits set behind its prefix"),
        }
    }
}

impl error::Error for NetworkError {}
