use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use ::http::{Extensions, HeaderMap, Request};

use super::{
    forwarded,
    network::{Network, mask},
};
use crate::KeyExtractor;

/// The address of the client, as a key.
///
/// By default that is the peer of the connection and nothing else: what a request says of itself
/// anybody can write. Behind proxies, [`trusted_proxies`](Self::trusted_proxies) names them.
///
/// An IPv6 address counts by its first 64 bits, since who has one has all of its network.
/// Addresses of IPv4 inside IPv6 (`::ffff:0:0/96` and NAT64's `64:ff9b::/96`) are IPv4 addresses:
/// otherwise all of IPv4 would share one such network.
///
/// ```
/// use std::net::SocketAddr;
/// use http::{Extensions, Request};
/// use tower_sliding_window::{ClientAddress, KeyExtractor, ProxyHeader};
///
/// let peer = |extensions: &Extensions| extensions.get::<SocketAddr>().map(SocketAddr::ip);
/// let address = ClientAddress::new(peer)
///     .trusted_proxies(["10.0.0.0/8".parse()?], ProxyHeader::XForwardedFor);
///
/// let mut request = Request::get("/").header("x-forwarded-for", "invented, 192.0.2.7").body(())?;
/// request.extensions_mut().insert("10.1.2.3:80".parse::<SocketAddr>()?);
/// assert_eq!(address.key(&request), Some("192.0.2.7".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct ClientAddress<P> {
    peer: P,
    proxies: Vec<Network>,
    header: ProxyHeader,
    ipv6_prefix: u8,
}

/// Where a proxy writes down whom a request came from. Only one is believed: a proxy that writes
/// the one passes the other on as the client sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyHeader {
    /// `X-Forwarded-For`.
    XForwardedFor,
    /// `Forwarded` ([RFC 7239](https://www.rfc-editor.org/rfc/rfc7239)).
    Forwarded,
}

impl<P> ClientAddress<P> {
    /// `peer` finds the address of the connection in the extensions of a request, where the
    /// server has put it: `Fn(&Extensions) -> Option<IpAddr>`. A request without it has no key.
    #[must_use]
    pub const fn new(peer: P) -> Self {
        Self {
            peer,
            proxies: Vec::new(),
            header: ProxyHeader::XForwardedFor,
            ipv6_prefix: 64,
        }
    }

    /// Believes `header` as far as it was written by `proxies`: from the peer on, each address of
    /// a proxy is replaced by the one it says it was asked by, read from the right. The first that
    /// is not a proxy's is the client's. Where a proxy wrote no address, its own is taken.
    #[must_use]
    pub fn trusted_proxies(
        mut self,
        proxies: impl IntoIterator<Item = Network>,
        header: ProxyHeader,
    ) -> Self {
        self.proxies = proxies.into_iter().collect();
        self.header = header;
        self
    }

    /// How many bits of an IPv6 address count, at most 128. Default: 64, the smallest network
    /// that is handed out; who gives its customers more may ask for 56 or 48.
    #[must_use]
    pub const fn ipv6_prefix(mut self, bits: u8) -> Self {
        self.ipv6_prefix = bits;
        self
    }

    fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let peer = unwrapped(peer);
        match self.header {
            ProxyHeader::XForwardedFor => self.walk(peer, forwarded::x_forwarded_for(headers)),
            ProxyHeader::Forwarded => self.walk(peer, forwarded::forwarded(headers)),
        }
    }

    fn walk(&self, peer: IpAddr, mut hops: impl Iterator<Item = Option<IpAddr>>) -> IpAddr {
        let mut client = peer;
        while self.proxies.iter().any(|proxy| proxy.contains(client)) {
            match hops.next() {
                Some(Some(before)) => client = unwrapped(before),
                Some(None) | None => break,
            }
        }
        client
    }
}

/// IPv4 addresses that are written as IPv6 ones.
fn unwrapped(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => nat64(address).map_or(IpAddr::V6(address), IpAddr::V4),
        v4 => v4,
    }
}

fn nat64(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let bits = address.to_bits();
    let well_known = Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0).to_bits();
    let v4 = u32::try_from(bits & u128::from(u32::MAX)).ok()?;
    (bits & !u128::from(u32::MAX) == well_known).then(|| Ipv4Addr::from_bits(v4))
}

impl<B, P> KeyExtractor<Request<B>> for ClientAddress<P>
where
    P: Fn(&Extensions) -> Option<IpAddr>,
{
    type Key = IpAddr;

    fn key(&self, request: &Request<B>) -> Option<IpAddr> {
        let peer = (self.peer)(request.extensions())?;
        let client = self.client(peer, request.headers());
        Some(match client {
            IpAddr::V4(_) => client,
            IpAddr::V6(_) => mask(client, self.ipv6_prefix),
        })
    }
}

/// By hand, since closures are not `Debug`.
impl<P> fmt::Debug for ClientAddress<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientAddress")
            .field("proxies", &self.proxies)
            .field("header", &self.header)
            .field("ipv6_prefix", &self.ipv6_prefix)
            .finish_non_exhaustive()
    }
}
