use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::{Extensions, HeaderMap, HeaderValue, Request};
use proptest::prelude::*;
use tower_access_control::{
    ApiKey, Authenticator, ClientAddress, Network, Networks, PathTemplate, Permission, Permissions,
    Presented,
};

use crate::script::{keys, prefix};

fn address() -> impl Strategy<Value = IpAddr> {
    // Few enough for networks to meet.
    prop_oneof![
        (0..64_u32).prop_map(|low| IpAddr::V4(Ipv4Addr::from_bits(low << 3))),
        (0..64_u128).prop_map(|low| IpAddr::V6(Ipv6Addr::from_bits(low << 3))),
        (0..64_u32).prop_map(|low| {
            let mapped = Ipv4Addr::from_bits(u32::MAX - low).to_ipv6_mapped();
            IpAddr::V6(mapped)
        }),
    ]
}

fn network() -> impl Strategy<Value = Network> {
    (address(), 0..=12_u8).prop_map(|(address, host)| match address {
        IpAddr::V4(v4) => {
            let kept = Ipv4Addr::from_bits(v4.to_bits() >> host << host);
            Network::new(kept.into(), 32 - host).unwrap()
        }
        IpAddr::V6(v6) => {
            let kept = Ipv6Addr::from_bits(v6.to_bits() >> host << host);
            Network::new(kept.into(), 128 - host).unwrap()
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_set_of_networks_holds_what_one_of_them_holds(
        networks in prop::collection::vec(network(), 0..12),
        addresses in prop::collection::vec(address(), 1..40),
    ) {
        let set: Networks = networks.iter().copied().collect();
        for address in addresses {
            let slowly = networks.iter().any(|network| network.contains(address));
            prop_assert_eq!(set.contains(address), slowly);
        }
    }

    #[test]
    fn a_network_is_read_as_it_is_written(network in network()) {
        prop_assert_eq!(network.to_string().parse(), Ok(network));
    }

    #[test]
    fn no_key_survives_a_slip(entropy: [u8; 28], place in 0..54_usize, byte in 0x21..0x7f_u8) {
        let key = ApiKey::from_entropy(&prefix(), entropy);
        let mut text = key.expose().as_bytes().to_vec();
        let place = place % text.len();
        prop_assume!(text[place] != byte);
        text[place] = byte;
        let text = String::from_utf8(text).unwrap();
        prop_assert!(ApiKey::parse(&prefix(), &text).is_err());
        let read = ApiKey::parse(&prefix(), key.expose()).unwrap();
        prop_assert_eq!(read.digest(), key.digest());
    }

    #[test]
    fn no_key_survives_two_letters_changing_places(entropy: [u8; 28], place in 0..53_usize) {
        let key = ApiKey::from_entropy(&prefix(), entropy);
        let mut text = key.expose().as_bytes().to_vec();
        let place = place % (text.len() - 1);
        prop_assume!(text[place] != text[place + 1]);
        text.swap(place, place + 1);
        let text = String::from_utf8(text).unwrap();
        prop_assert!(ApiKey::parse(&prefix(), &text).is_err());
    }

    #[test]
    fn any_header_is_read_or_not_but_never_a_surprise(value in prop::collection::vec(0x20..=0xff_u8, 0..80)) {
        prop_assume!(!value.contains(&0x7f));
        let mut headers = HeaderMap::new();
        let value = HeaderValue::from_bytes(&[b"Bearer acme_live_", &*value].concat()).unwrap();
        headers.insert("authorization", value);
        let seen = keys().present(&headers).unwrap();
        prop_assert!(matches!(seen, Presented::Credential(_)));
    }

    #[test]
    fn a_forwarded_list_is_never_believed_without_a_proxy(value in prop::collection::vec(0x20..=0xff_u8, 0..40)) {
        prop_assume!(!value.contains(&0x7f));
        let peer: IpAddr = "192.0.2.1".parse().unwrap();
        let mut request = Request::new(());
        let value = HeaderValue::from_bytes(&value).unwrap();
        request.headers_mut().insert("x-forwarded-for", value);
        let alone = ClientAddress::new(|_: &Extensions| Some(peer));
        prop_assert_eq!(alone.find(&request), Some(peer));
        // Nor does it surprise where it is believed.
        let _ = alone.trusted_proxies("192.0.2.0/24".parse().unwrap()).find(&request);
    }

    #[test]
    fn a_template_finds_what_splitting_at_slashes_finds(
        path in "(/[ab7]{0,2}){0,5}",
        before in "(/[ab]{1,2}){0,2}",
        after in "(/[ab]{1,2}){0,2}",
    ) {
        let template: PathTemplate = format!("{before}/{{id}}{after}").parse().unwrap();
        let wanted: Vec<_> = format!("{before}/{{id}}{after}").split('/').map(str::to_owned).collect();
        let given: Vec<_> = path.split('/').collect();
        let matches = given.len() >= wanted.len() && wanted.iter().zip(&given).all(|(wanted, given)| {
            if wanted == "{id}" { !given.is_empty() } else { wanted == given }
        });
        let index = wanted.iter().position(|segment| segment == "{id}").unwrap();
        prop_assert_eq!(template.find(&path), matches.then(|| given[index]));
    }
}

#[test]
fn permissions_are_a_set() {
    let low = Permission::new::<0>();
    let high = Permission::new::<63>();
    let both = Permissions::of(&[low, high]);
    assert!(both.contains(low) && both.contains(high));
    assert!(!Permissions::of(&[low]).contains(high));
    assert!(both.contains_all(Permissions::of(&[high])));
    assert!(!Permissions::of(&[high]).contains_all(both));
    assert!(Permissions::NONE.contains_all(Permissions::NONE));
    assert_eq!(both & Permissions::of(&[low]), Permissions::NONE.with(low));
    assert_eq!(Permissions::of(&[low]) | Permissions::of(&[high]), both);
    assert_eq!([low, high].into_iter().collect::<Permissions>(), both);
}
