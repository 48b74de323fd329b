use std::{error, fmt, net::IpAddr, str::FromStr};

use super::network::{Network, NetworkError, number};

/// A set of addresses, made of [`Network`]s.
///
/// Looked up by bisection: thousands of networks cost little more than a few. 32 bytes for each
/// stretch of addresses; networks that overlap or touch are one.
///
/// Read from text with a network on each line; empty lines and what follows a `#` don't count:
///
/// ```
/// use tower_access_control::Networks;
///
/// let hooks: Networks = "192.30.252.0/22 # GitHub\n2a0a:a440::/29\n".parse()?;
/// assert!(hooks.contains("192.30.253.7".parse()?));
/// assert!(!hooks.contains("192.30.251.7".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Networks {
    v4: Vec<(u128, u128)>,
    v6: Vec<(u128, u128)>,
}

impl Networks {
    /// Whether `address` is one of them. An IPv4 address counts as one also when it is written as
    /// IPv6.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let ranges = if address.is_ipv4() {
            &self.v4
        } else {
            &self.v6
        };
        let address = number(address);
        let behind = ranges.partition_point(|(first, _)| *first <= address);
        behind
            .checked_sub(1)
            .and_then(|index| ranges.get(index))
            .is_some_and(|(_, last)| address <= *last)
    }

    /// Whether there is no address in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }
}

impl FromIterator<Network> for Networks {
    fn from_iter<I: IntoIterator<Item = Network>>(networks: I) -> Self {
        let (v4, v6): (Vec<_>, Vec<_>) = networks.into_iter().partition(Network::is_ipv4);
        Self {
            v4: joined(&v4),
            v6: joined(&v6),
        }
    }
}

/// In order, apart from one another.
fn joined(networks: &[Network]) -> Vec<(u128, u128)> {
    let mut ranges: Vec<_> = networks.iter().map(Network::range).collect();
    ranges.sort_unstable();
    let mut joined: Vec<(u128, u128)> = Vec::with_capacity(ranges.len());
    for (first, last) in ranges {
        match joined.last_mut() {
            Some((_, end)) if first <= end.saturating_add(1) => *end = last.max(*end),
            _ => joined.push((first, last)),
        }
    }
    joined
}

impl FromStr for Networks {
    type Err = NetworksError;

    fn from_str(text: &str) -> Result<Self, NetworksError> {
        text.lines()
            .enumerate()
            .map(|(index, line)| (index, line.split('#').next().unwrap_or_default().trim()))
            .filter(|(_, line)| !line.is_empty())
            .map(|(index, line)| {
                line.parse::<Network>().map_err(|source| NetworksError {
                    line: index + 1,
                    source,
                })
            })
            .collect()
    }
}

/// Why a text isn't a list of networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetworksError {
    line: usize,
    source: NetworkError,
}

impl NetworksError {
    /// The number of the line, from 1 on.
    #[must_use]
    pub const fn line(&self) -> usize {
        self.line
    }
}

impl fmt::Display for NetworksError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} of a list of networks", self.line)
    }
}

impl error::Error for NetworksError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        Some(&self.source)
    }
}
