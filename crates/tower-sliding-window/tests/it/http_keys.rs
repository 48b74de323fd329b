use std::net::{IpAddr, SocketAddr};

use http::{Extensions, HeaderValue, Request};
use proptest::prelude::*;
use tower_sliding_window::{
    ClientAddress, Credential, KeyExtractor, Network, NetworkError, ProxyHeader,
};

fn peer(extensions: &Extensions) -> Option<IpAddr> {
    extensions.get::<SocketAddr>().map(SocketAddr::ip)
}

fn networks(texts: &[&str]) -> Vec<Network> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

/// A request from `peer` with these lines of `field`.
fn request(peer: &str, field: &'static str, lines: &[&[u8]]) -> Request<()> {
    let mut request = Request::new(());
    for line in lines {
        let value = HeaderValue::from_bytes(line).unwrap();
        request.headers_mut().append(field, value);
    }
    let peer = SocketAddr::new(peer.parse().unwrap(), 80);
    request.extensions_mut().insert(peer);
    request
}

fn behind(header: ProxyHeader, peer_address: &str, field: &'static str, lines: &[&str]) -> String {
    let address =
        ClientAddress::new(peer).trusted_proxies(networks(&["10.0.0.0/8", "fd00::/8"]), header);
    let lines: Vec<&[u8]> = lines.iter().map(|line| line.as_bytes()).collect();
    let key = address.key(&request(peer_address, field, &lines)).unwrap();
    key.to_string()
}

#[test]
fn without_trusted_proxies_only_the_peer_counts() {
    let address = ClientAddress::new(peer);
    let request = request("192.0.2.9", "x-forwarded-for", &[b"198.51.100.1"]);
    assert_eq!(address.key(&request), Some("192.0.2.9".parse().unwrap()));
    assert_eq!(address.key(&Request::new(())), None);
}

#[test]
fn x_forwarded_for_is_read_from_the_right_as_far_as_it_is_trusted() {
    let table: &[(&str, &[&str], &str)] = &[
        // From no proxy: whatever it says is its own invention.
        ("192.0.2.9", &["198.51.100.1"], "192.0.2.9"),
        ("10.0.0.1", &[], "10.0.0.1"),
        ("10.0.0.1", &[""], "10.0.0.1"),
        ("10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", &["6.6.6.6, 198.51.100.1"], "198.51.100.1"),
        (
            "10.0.0.1",
            &["6.6.6.6,198.51.100.1 , 10.0.0.2"],
            "198.51.100.1",
        ),
        (
            "10.0.0.1",
            &["6.6.6.6, 198.51.100.1, 10.0.0.3, 10.0.0.2"],
            "198.51.100.1",
        ),
        // Several lines are one list.
        (
            "10.0.0.1",
            &["6.6.6.6", "198.51.100.1", "10.0.0.2"],
            "198.51.100.1",
        ),
        ("10.0.0.1", &["10.0.0.3", "10.0.0.2"], "10.0.0.3"),
        // Junk ends the walk at the proxy that wrote it.
        ("10.0.0.1", &["198.51.100.1, unknown"], "10.0.0.1"),
        ("10.0.0.1", &["198.51.100.1, 10.0.0.2, "], "10.0.0.1"),
        (
            "10.0.0.1",
            &["198.51.100.1, nonsense, 10.0.0.2"],
            "10.0.0.2",
        ),
        ("10.0.0.1", &["300.1.1.1"], "10.0.0.1"),
        // Ports, brackets, zones.
        ("10.0.0.1", &["198.51.100.1:4711"], "198.51.100.1"),
        ("10.0.0.1", &["198.51.100.1:"], "10.0.0.1"),
        ("10.0.0.1", &["[2001:db8:1:2:3::4]:4711"], "2001:db8:1:2::"),
        ("10.0.0.1", &["[2001:db8:1:2:3::4]"], "2001:db8:1:2::"),
        ("10.0.0.1", &["[2001:db8::1]junk"], "10.0.0.1"),
        ("10.0.0.1", &["2001:db8:1:2:3::4"], "2001:db8:1:2::"),
        ("10.0.0.1", &["fe80::1%eth0"], "fe80::"),
        // IPv4 written as IPv6, as peer, as proxy, as client.
        ("::ffff:10.0.0.1", &["::ffff:198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", &["64:ff9b::c633:6401"], "198.51.100.1"),
        (
            "fd00::1",
            &["198.51.100.1, ::ffff:10.0.0.7"],
            "198.51.100.1",
        ),
    ];
    for (peer, lines, expected) in table {
        let key = behind(ProxyHeader::XForwardedFor, peer, "x-forwarded-for", lines);
        assert_eq!(key, *expected, "{peer} {lines:?}");
    }
}

#[test]
fn forwarded_is_read_the_same_way() {
    let table: &[(&str, &[&str], &str)] = &[
        ("192.0.2.9", &["for=198.51.100.1"], "192.0.2.9"),
        ("10.0.0.1", &["for=198.51.100.1"], "198.51.100.1"),
        (
            "10.0.0.1",
            &["For=\"198.51.100.1:4711\";proto=http;by=10.0.0.1"],
            "198.51.100.1",
        ),
        (
            "10.0.0.1",
            &["proto=http; for=198.51.100.1"],
            "198.51.100.1",
        ),
        (
            "10.0.0.1",
            &["for=6.6.6.6, for=\"[2001:db8:1:2:3::4]:80\", for=10.0.0.2"],
            "2001:db8:1:2::",
        ),
        (
            "10.0.0.1",
            &["for=6.6.6.6", "for=198.51.100.1"],
            "198.51.100.1",
        ),
        (
            "10.0.0.1",
            &["for=198.51.100.1;host=\"a,b\""],
            "198.51.100.1",
        ),
        ("10.0.0.1", &["for=unknown"], "10.0.0.1"),
        ("10.0.0.1", &["for=_hidden, for=10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", &["by=198.51.100.1"], "10.0.0.1"),
        ("10.0.0.1", &["for=\"198.51.100.1"], "10.0.0.1"),
        // The client left a quote open, or escapes one to be taken for the proxy.
        (
            "10.0.0.1",
            &["for=\"6.6.6.6, for=198.51.100.1"],
            "198.51.100.1",
        ),
        (
            "10.0.0.1",
            &["for=198.51.100.1;host=\"a\\\", for=6.6.6.6;x=\\\"b\""],
            "10.0.0.1",
        ),
    ];
    for (peer, lines, expected) in table {
        let key = behind(ProxyHeader::Forwarded, peer, "forwarded", lines);
        assert_eq!(key, *expected, "{peer} {lines:?}");
    }
}

#[test]
fn only_the_header_that_was_chosen_is_believed() {
    let key = behind(
        ProxyHeader::Forwarded,
        "10.0.0.1",
        "x-forwarded-for",
        &["198.51.100.1"],
    );
    assert_eq!(key, "10.0.0.1");
}

#[test]
fn a_thousand_addresses_of_one_network_are_one_key() {
    let keys = |bits| {
        let address = ClientAddress::new(peer).ipv6_prefix(bits);
        let requests = (0..1000).map(|i| request(&format!("2001:db8:1:2::{i:x}"), "x", &[]));
        let keys: std::collections::HashSet<_> = requests
            .map(|request| address.key(&request).unwrap())
            .collect();
        keys.len()
    };
    assert_eq!(keys(64), 1);
    assert_eq!(keys(0), 1);
    assert_eq!(keys(128), 1000);
    assert_eq!(keys(200), 1000);
}

#[test]
fn networks_hold_what_their_prefix_says() {
    let ten: Network = "10.1.2.3/8".parse().unwrap();
    assert_eq!(ten.to_string(), "10.0.0.0/8");
    assert!(ten.contains("10.255.0.1".parse().unwrap()));
    assert!(!ten.contains("11.0.0.1".parse().unwrap()));
    assert!(!ten.contains("::1".parse().unwrap()));
    let all: Network = "::/0".parse().unwrap();
    assert!(all.contains("2001:db8::1".parse().unwrap()));
    let one: Network = "192.0.2.1".parse().unwrap();
    assert!(one.contains("192.0.2.1".parse().unwrap()));
    assert!(!one.contains("192.0.2.2".parse().unwrap()));
    for malformed in [
        "",
        "10.0.0.0/",
        "10.0.0.0/x",
        "10.0.0.0/-1",
        "ten/8",
        "10.0.0.0/8/8",
    ] {
        assert_eq!(malformed.parse::<Network>(), Err(NetworkError::Malformed));
    }
    assert!(matches!(
        "10.0.0.0/33".parse::<Network>(),
        Err(NetworkError::PrefixTooLong {
            prefix: 33,
            bits: 32
        })
    ));
}

#[test]
fn credentials_are_told_apart_and_not_shown() {
    let by_key = Credential::in_field(http::HeaderName::from_static("x-api-key"));
    let key = |lines: &[&[u8]]| by_key.key(&request("192.0.2.1", "x-api-key", lines));
    assert_eq!(key(&[]), None);
    assert_eq!(key(&[b"secret"]), key(&[b"secret"]));
    assert_ne!(key(&[b"secret"]), key(&[b"other"]));
    assert_ne!(key(&[b"secret", b"secret"]), key(&[b"secret"]));
    assert_eq!(key(&[b"a", b"b"]), key(&[b"a,b"]));
    let shown = format!("{:?}", key(&[b"secret"]).unwrap());
    assert_eq!(shown, "CredentialDigest(..)");
    // The same in every process and release.
    assert_eq!(
        key(&[b"abc"]).unwrap().as_bytes()[..4],
        [0xba, 0x78, 0x16, 0xbf]
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn nothing_a_client_writes_changes_what_its_proxy_wrote(
        invented in r#"[ -~]{0,40}"#,
        separate in any::<bool>(),
    ) {
        for (header, field, written) in [
            (ProxyHeader::XForwardedFor, "x-forwarded-for", "198.51.100.1"),
            (ProxyHeader::Forwarded, "forwarded", "for=198.51.100.1"),
        ] {
            let joined = format!("{invented}, {written}");
            let lines: Vec<&str> =
                if separate { vec![&invented, written] } else { vec![&joined] };
            prop_assert_eq!(behind(header, "10.0.0.1", field, &lines), "198.51.100.1");
        }
    }

    #[test]
    fn no_header_makes_the_parsers_panic(
        lines in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..4),
    ) {
        let address = ClientAddress::new(peer);
        for (header, field) in [
            (ProxyHeader::XForwardedFor, "x-forwarded-for"),
            (ProxyHeader::Forwarded, "forwarded"),
        ] {
            let address = address.clone().trusted_proxies(networks(&["0.0.0.0/0", "::/0"]), header);
            let mut request = request("192.0.2.1", field, &[]);
            for line in &lines {
                if let Ok(value) = HeaderValue::from_bytes(line) {
                    request.headers_mut().append(field, value);
                }
            }
            prop_assert!(address.key(&request).is_some());
        }
    }
}
