use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
};

use http::{Extensions, Request, Response, StatusCode};
use tower::{Layer, ServiceExt, service_fn};
use tower_access_control::{
    AddressLists, AuthorizeLayer, ClientAddress, Network, NetworkError, Networks, Rejection,
    RequireAddress,
};

fn networks(text: &str) -> Networks {
    text.parse().unwrap()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

type Peer = fn(&Extensions) -> Option<IpAddr>;

fn client() -> ClientAddress<Peer> {
    ClientAddress::new(|extensions| extensions.get::<SocketAddr>().map(SocketAddr::ip))
}

fn request(peer: &str, forwarded: &[&str]) -> Request<()> {
    let mut request = Request::new(());
    request
        .extensions_mut()
        .insert(SocketAddr::new(ip(peer), 1));
    for line in forwarded {
        let value = line.parse().unwrap();
        request.headers_mut().append("x-forwarded-for", value);
    }
    request
}

async fn refusal(policy: &RequireAddress<Peer>, request: Request<()>) -> Option<&'static str> {
    let inner = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(())));
    let service = AuthorizeLayer::new(policy.clone()).layer(inner);
    let response = service.oneshot(request).await.unwrap();
    let rejection: Option<&Rejection> = response.extensions().get();
    let expected = rejection.map_or(StatusCode::OK, |_| StatusCode::FORBIDDEN);
    assert_eq!(response.status(), expected);
    rejection.map(Rejection::code)
}

#[test]
fn a_network_holds_its_first_and_its_last_address() {
    for (network, inside, outside) in [
        (
            "10.0.0.0/8",
            ["10.0.0.0", "10.255.255.255"],
            ["9.255.255.255", "11.0.0.0"],
        ),
        (
            "192.0.2.7",
            ["192.0.2.7", "::ffff:192.0.2.7"],
            ["192.0.2.6", "192.0.2.8"],
        ),
        (
            "::ffff:192.0.2.0/120",
            ["192.0.2.0", "::ffff:192.0.2.255"],
            ["192.0.3.0", "::1"],
        ),
        ("fd00::/8", ["fd00::", "fdff::ffff"], ["fcff::", "fe00::"]),
        (
            "0.0.0.0/0",
            ["0.0.0.0", "255.255.255.255"],
            ["::1", "fd00::"],
        ),
        ("::/0", ["::1", "ffff::"], ["0.0.0.0", "::ffff:1.2.3.4"]),
        (
            "2001:db8::1/128",
            ["2001:db8::1", "2001:db8::1"],
            ["2001:db8::", "2001:db8::2"],
        ),
    ] {
        let set = networks(network);
        let network: Network = network.parse().unwrap();
        for address in inside {
            assert!(network.contains(ip(address)), "{network} {address}");
            assert!(set.contains(ip(address)), "{network} {address}");
        }
        for address in outside {
            assert!(!network.contains(ip(address)), "{network} {address}");
            assert!(!set.contains(ip(address)), "{network} {address}");
        }
    }
}

#[test]
fn what_is_no_network_is_refused() {
    for text in [
        "",
        "/",
        "10.0.0.0/",
        "10.0.0.0/+8",
        "10.0.0/8",
        "10.0.0.0/256",
        "x",
        "1.2.3.4/8/8",
    ] {
        assert_eq!(
            text.parse::<Network>(),
            Err(NetworkError::Malformed),
            "{text}"
        );
    }
    let long = NetworkError::PrefixTooLong {
        prefix: 33,
        bits: 32,
    };
    assert_eq!("10.0.0.0/33".parse::<Network>(), Err(long));
    assert_eq!("10.0.0.1/8".parse::<Network>(), Err(NetworkError::HostBits));
    assert_eq!("fd00::1/8".parse::<Network>(), Err(NetworkError::HostBits));
}

#[test]
fn a_list_says_which_line_is_wrong() {
    let error = "10.0.0.0/8\n\n# all\n10.0.0.1/8\n"
        .parse::<Networks>()
        .unwrap_err();
    assert_eq!(error.line(), 4);
    assert!(networks("# nothing\n\n").is_empty());
}

#[tokio::test]
async fn an_allow_list_lets_nobody_else_pass_and_a_deny_list_all_others() {
    let allow = RequireAddress::new(client(), AddressLists::allow(networks("192.0.2.0/24")));
    let deny = RequireAddress::new(client(), AddressLists::deny(networks("192.0.2.0/24")));
    for (address, listed) in [
        ("192.0.2.1", true),
        ("::ffff:192.0.2.1", true),
        ("192.0.3.1", false),
    ] {
        let allowed = refusal(&allow, request(address, &[])).await;
        assert_eq!(allowed, (!listed).then_some("address_refused"));
        let denied = refusal(&deny, request(address, &[])).await;
        assert_eq!(denied, listed.then_some("address_refused"));
    }
}

#[tokio::test]
async fn an_exception_outdoes_an_allowance_and_an_empty_list_allows_nobody() {
    let lists = AddressLists::allow(networks("10.0.0.0/8")).except(networks("10.1.0.0/16"));
    let policy = RequireAddress::new(client(), lists);
    assert_eq!(refusal(&policy, request("10.0.0.1", &[])).await, None);
    let excepted = refusal(&policy, request("10.1.0.1", &[])).await;
    assert_eq!(excepted, Some("address_refused"));
    policy
        .handle()
        .replace(AddressLists::allow(Networks::default()));
    let nobody = refusal(&policy, request("10.0.0.1", &[])).await;
    assert_eq!(nobody, Some("address_refused"));
}

#[tokio::test]
async fn new_lists_count_from_the_next_request_on() {
    let policy = RequireAddress::new(client(), AddressLists::allow(networks("192.0.2.0/24")));
    let handle = policy.handle();
    assert_eq!(refusal(&policy, request("192.0.2.1", &[])).await, None);
    handle.replace(AddressLists::allow(networks("198.51.100.0/24")));
    assert!(refusal(&policy, request("192.0.2.1", &[])).await.is_some());
    assert_eq!(refusal(&policy, request("198.51.100.1", &[])).await, None);
}

#[tokio::test]
async fn an_unknown_address_is_refused_even_where_nobody_is_denied() {
    let policy = RequireAddress::new(client(), AddressLists::deny(Networks::default()));
    let seen = refusal(&policy, Request::new(())).await;
    assert_eq!(seen, Some("address_unknown"));
}

#[test]
fn proxies_are_believed_from_the_right_and_no_further() {
    let client = client().trusted_proxies(networks("10.0.0.0/8\nfd00::/8"));
    for (peer, forwarded, expected) in [
        // Strangers say what they like.
        ("192.0.2.9", &["10.0.0.1"][..], Some("192.0.2.9")),
        ("10.0.0.1", &["192.0.2.7"], Some("192.0.2.7")),
        ("10.0.0.1", &["127.0.0.1, 192.0.2.7"], Some("192.0.2.7")),
        ("10.0.0.1", &["127.0.0.1", "192.0.2.7"], Some("192.0.2.7")),
        (
            "10.0.0.1",
            &["127.0.0.1, 192.0.2.7, 10.0.0.2"],
            Some("192.0.2.7"),
        ),
        (
            "10.0.0.1",
            &["127.0.0.1, 192.0.2.7", "fd00::2"],
            Some("192.0.2.7"),
        ),
        ("::ffff:10.0.0.1", &["::ffff:192.0.2.7"], Some("192.0.2.7")),
        ("10.0.0.1", &["192.0.2.7:443"], Some("192.0.2.7")),
        ("10.0.0.1", &["[2001:db8::1]:443"], Some("2001:db8::1")),
        ("10.0.0.1", &["[2001:db8::1]"], Some("2001:db8::1")),
        ("10.0.0.1", &["2001:db8::1"], Some("2001:db8::1")),
        // A proxy that asks for itself.
        ("10.0.0.1", &[], Some("10.0.0.1")),
        ("10.0.0.1", &["10.0.0.2"], Some("10.0.0.2")),
        // What a proxy wrote, but is no address.
        ("10.0.0.1", &["192.0.2.7, unknown"], None),
        ("10.0.0.1", &["192.0.2.7,"], None),
        ("10.0.0.1", &[""], None),
        ("10.0.0.1", &["192.0.2.7:x"], None),
        ("10.0.0.1", &["[192.0.2.7]"], None),
    ] {
        let found = client.find(&request(peer, forwarded));
        assert_eq!(found, expected.map(ip), "{peer} {forwarded:?}");
    }
}
