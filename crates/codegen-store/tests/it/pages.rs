use codegen_api::model::SourceType;
use codegen_api::server::{Role, RunFilter, Store, TokenDigest};
use codegen_store::NewUser;

use crate::house::{House, create, everything, on_each_database, window};

on_each_database! {
    runs_come_newest_first_in_windows_that_meet
    a_window_past_the_end_is_empty_and_knows_the_total
    runs_are_filtered_by_user_and_source
    users_repositories_and_organizations_come_by_id_in_windows
}

async fn runs_come_newest_first_in_windows_that_meet(house: House) {
    let House {
        store, acme, rival, ..
    } = &house;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(create(store, acme, "one of five").await.id);
        create(store, rival, "in between").await;
    }
    ids.reverse();
    let mut seen = Vec::new();
    for skip in [0, 2, 4] {
        let page = store
            .runs(acme, RunFilter::default(), window(skip, 2))
            .await
            .unwrap();
        assert_eq!(page.total, 5);
        seen.extend(page.items.iter().map(|run| run.id));
    }
    assert_eq!(seen, ids);
}

async fn a_window_past_the_end_is_empty_and_knows_the_total(house: House) {
    let House { store, acme, .. } = &house;
    let run = create(store, acme, "only one").await;
    for skip in [1, i64::MAX - 1, i64::MAX] {
        let past = window(skip, 100);
        let runs = store.runs(acme, RunFilter::default(), past).await.unwrap();
        assert_eq!((runs.items.len(), runs.total), (0, 1));
        let users = store.users(acme, past).await.unwrap();
        assert_eq!((users.items.len(), users.total), (0, 1));
        let repositories = store.repositories(acme, past).await.unwrap();
        assert_eq!((repositories.items.len(), repositories.total), (0, 1));
        let (_, logs) = store
            .run_logs(acme, run.id, past, true)
            .await
            .unwrap()
            .unwrap();
        assert_eq!((logs.items.len(), logs.total), (0, 0));
        let token = store.create_token(acme.user_id()).await.unwrap();
        let principal = store
            .principal(&TokenDigest::of(token.as_bytes()))
            .await
            .unwrap()
            .unwrap();
        let organizations = store.organizations(&principal, past).await.unwrap();
        assert_eq!((organizations.items.len(), organizations.total), (0, 1));
    }
}

async fn runs_are_filtered_by_user_and_source(house: House) {
    let House { store, acme, .. } = &house;
    let carol = store.create_user(NewUser::new("carol")).await.unwrap();
    store
        .add_member(acme.organization_id(), carol, Role::Member)
        .await
        .unwrap();
    let hers = crate::house::scope(store, carol, acme.organization_id()).await;
    create(store, acme, "by ada").await;
    let run = create(store, &hers, "by carol").await;

    let filter = |user_id, source_type| RunFilter {
        user_id,
        source_type,
    };
    for (filter, expected) in [
        (filter(None, None), 2),
        (filter(Some(carol), None), 1),
        (filter(Some(carol), Some(SourceType::Api)), 1),
        (filter(None, Some(SourceType::Api)), 2),
        (filter(None, Some(SourceType::Slack)), 0),
        (filter(Some(i64::MIN), None), 0),
    ] {
        let runs = store
            .runs(acme, filter.clone(), everything())
            .await
            .unwrap();
        assert_eq!(
            (runs.items.len(), runs.total),
            (expected, expected as i64),
            "{filter:?}"
        );
        if expected == 1 {
            assert_eq!(runs.items[0].id, run.id);
        }
    }
}

async fn users_repositories_and_organizations_come_by_id_in_windows(house: House) {
    let House { store, acme, .. } = &house;
    let id = acme.organization_id();
    for name in ["zoe", "yan", "xia"] {
        let user = store.create_user(NewUser::new(name)).await.unwrap();
        store.add_member(id, user, Role::Member).await.unwrap();
        store
            .register_repository(id, "acme", name, None)
            .await
            .unwrap();
        let other = store.create_organization(name).await.unwrap();
        store
            .add_member(other, acme.user_id(), Role::Member)
            .await
            .unwrap();
    }
    let users = store.users(acme, window(1, 2)).await.unwrap();
    let names: Vec<_> = users
        .items
        .iter()
        .map(|user| user.github_username.as_str())
        .collect();
    assert_eq!((names, users.total), (vec!["zoe", "yan"], 4));
    let repositories = store.repositories(acme, window(2, 100)).await.unwrap();
    let names: Vec<_> = repositories
        .items
        .iter()
        .map(|one| one.full_name.as_str())
        .collect();
    assert_eq!(
        (names, repositories.total),
        (vec!["acme/yan", "acme/xia"], 4)
    );

    let token = store.create_token(acme.user_id()).await.unwrap();
    let principal = store
        .principal(&TokenDigest::of(token.as_bytes()))
        .await
        .unwrap()
        .unwrap();
    let organizations = store.organizations(&principal, window(1, 2)).await.unwrap();
    let names: Vec<_> = organizations
        .items
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    assert_eq!((names, organizations.total), (vec!["zoe", "yan"], 4));
}
