use codegen_api::server::{Role, Store, TokenDigest};
use codegen_store::NewUser;

use crate::house::{House, on_each_database};

on_each_database! {
    a_token_opens_the_organizations_of_its_user
    a_token_that_is_almost_right_opens_nothing
    a_revoked_token_opens_nothing_and_its_neighbours_stay
    a_user_without_organization_is_somebody_all_the_same
}

async fn principal(house: &House, token: &str) -> Option<codegen_api::server::Principal> {
    let digest = TokenDigest::of(token.as_bytes());
    house.store.principal(&digest).await.unwrap()
}

async fn a_token_opens_the_organizations_of_its_user(house: House) {
    let House {
        store, acme, rival, ..
    } = &house;
    let token = store.create_token(acme.user_id()).await.unwrap();
    assert!(token.starts_with("cg_") && token.len() == 67, "{token}");
    let found = principal(&house, &token).await.unwrap();
    assert_eq!(found.user_id(), acme.user_id());
    assert_eq!(found.memberships(), [(acme.organization_id(), Role::Admin)]);

    store
        .add_member(rival.organization_id(), acme.user_id(), Role::Manager)
        .await
        .unwrap();
    let found = principal(&house, &token).await.unwrap();
    assert_eq!(
        found.scope(rival.organization_id()).unwrap().role(),
        Role::Manager
    );
}

async fn a_token_that_is_almost_right_opens_nothing(house: House) {
    let token = house
        .store
        .create_token(house.acme.user_id())
        .await
        .unwrap();
    for wrong in [
        "",
        "cg_",
        &token[1..],
        &token[..66],
        &token.to_uppercase(),
        &format!("{token} "),
    ] {
        assert_eq!(principal(&house, wrong).await, None);
    }
    // The prefix that is looked up agrees, the rest does not.
    let mut bytes = TokenDigest::of(token.as_bytes()).as_bytes().to_vec();
    bytes[31] ^= 1;
    let near = TokenDigest::from_bytes(&bytes).unwrap();
    assert_eq!(house.store.principal(&near).await.unwrap(), None);
}

async fn a_revoked_token_opens_nothing_and_its_neighbours_stay(house: House) {
    let user = house.acme.user_id();
    let first = house.store.create_token(user).await.unwrap();
    let second = house.store.create_token(user).await.unwrap();
    assert_ne!(first, second);
    assert!(house.store.revoke_token(&first).await.unwrap());
    assert!(!house.store.revoke_token(&first).await.unwrap());
    assert_eq!(principal(&house, &first).await, None);
    assert!(principal(&house, &second).await.is_some());
}

async fn a_user_without_organization_is_somebody_all_the_same(house: House) {
    let user = house
        .store
        .create_user(NewUser::new("hermit"))
        .await
        .unwrap();
    let token = house.store.create_token(user).await.unwrap();
    let found = principal(&house, &token).await.unwrap();
    assert_eq!((found.user_id(), found.memberships().len()), (user, 0));
}

#[tokio::test]
async fn no_file_holds_a_token() {
    let house = House::on_a_file().await;
    let token = house
        .store
        .create_token(house.acme.user_id())
        .await
        .unwrap();
    assert!(principal(&house, &token).await.is_some());
    let secret = token.strip_prefix("cg_").unwrap();
    let mut bytes = Vec::new();
    for byte in 0..32 {
        bytes.push(u8::from_str_radix(&secret[2 * byte..2 * byte + 2], 16).unwrap());
    }
    let digest = TokenDigest::of(token.as_bytes());
    let contains = |file: &[u8], part: &[u8]| file.windows(part.len()).any(|at| at == part);
    let mut digest_seen = false;
    for close in [false, true] {
        if close {
            house.store.close().await;
        }
        for entry in std::fs::read_dir(house.directory()).unwrap() {
            let file = std::fs::read(entry.unwrap().path()).unwrap();
            assert!(!contains(&file, secret.as_bytes()) && !contains(&file, &bytes));
            digest_seen |= contains(&file, digest.as_bytes());
        }
    }
    assert!(digest_seen, "the search finds what is there");
}
