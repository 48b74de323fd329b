use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
};

use http::{Extensions, HeaderMap, HeaderName, Request};

use super::networks::Networks;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Tells the address of a request's client.
///
/// By default that is the peer of the connection and nothing else: what a request says of itself
/// anybody can write. Behind proxies, [`trusted_proxies`](Self::trusted_proxies) names them.
#[derive(Clone)]
pub struct ClientAddress<P> {
    peer: P,
    proxies: Networks,
}

impl<P> ClientAddress<P> {
    /// `peer` finds the address of the connection in the extensions of a request, where the server
    /// has put it: `Fn(&Extensions) -> Option<IpAddr>`.
    #[must_use]
    pub fn new(peer: P) -> Self {
        Self {
            peer,
            proxies: Networks::default(),
        }
    }

    /// Believes `X-Forwarded-For` as far as these proxies wrote it: from the peer on, each address
    /// of a proxy is replaced by the one it says it was asked by, read from the right. The first
    /// that is not a proxy's is the client's; when all are, the leftmost. The client is unknown
    /// when a proxy wrote something that is no address.
    #[must_use]
    pub fn trusted_proxies(mut self, proxies: Networks) -> Self {
        self.proxies = proxies;
        self
    }

    fn walk(&self, peer: IpAddr, headers: &HeaderMap) -> Option<IpAddr> {
        let mut client = peer.to_canonical();
        let lines = headers.get_all(X_FORWARDED_FOR).into_iter().rev();
        let mut hops = lines
            .map(|line| line.to_str().unwrap_or("?"))
            .flat_map(|line| line.rsplit(','));
        while self.proxies.contains(client) {
            match hops.next() {
                Some(before) => client = address(before.trim())?.to_canonical(),
                None => break,
            }
        }
        Some(client)
    }
}

impl<P: Fn(&Extensions) -> Option<IpAddr>> ClientAddress<P> {
    /// The address, if it is known. IPv4 addresses written as IPv6 come out as IPv4.
    pub fn find<B>(&self, request: &Request<B>) -> Option<IpAddr> {
        let peer = (self.peer)(request.extensions())?;
        self.walk(peer, request.headers())
    }
}

/// With or without port and brackets.
fn address(text: &str) -> Option<IpAddr> {
    if let Some(rest) = text.strip_prefix('[') {
        let (address, port) = rest.split_once(']')?;
        let plain = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
        return plain
            .then(|| address.parse::<Ipv6Addr>().ok().map(IpAddr::V6))
            .flatten();
    }
    match text.split_once(':') {
        Some((address, port)) if address.contains('.') && is_port(port) => {
            address.parse().ok().map(IpAddr::V4)
        }
        _ => text.parse().ok(),
    }
}

fn is_port(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// By hand, since closures are not `Debug`.
impl<P> fmt::Debug for ClientAddress<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientAddress")
            .field("proxies", &self.proxies)
            .finish_non_exhaustive()
    }
}
