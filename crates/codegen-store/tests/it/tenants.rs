use codegen_agents::{Answer, Outcome, RunStore};
use codegen_api::model::{CreateAgentRun, ResumeAgentRun};
use codegen_api::server::{CreateRun, Role, RunFilter, Store, TokenDigest};
use codegen_store::NewUser;

use crate::house::{House, claim, create, everything, on_each_database};

on_each_database! {
    a_stranger_sees_nothing_of_an_organization
    a_run_cannot_be_started_on_a_repository_of_somebody_else
    an_organization_without_repository_cannot_start_a_run
    a_user_shows_the_role_of_the_organization_asked_about
    a_credential_lists_only_the_organizations_it_opens
    whatever_the_operator_repeats_is_not_made_twice
}

async fn a_stranger_sees_nothing_of_an_organization(house: House) {
    let House {
        store, acme, rival, ..
    } = &house;
    let run = create(store, acme, "secret").await;
    let claimed = claim(store).await.unwrap();
    let outcome = Outcome::complete(Answer::new("secret", "secret"));
    let _ = store.finish(claimed.claim, &outcome).await.unwrap();

    assert_eq!(store.run(rival, run.id).await.unwrap(), None);
    let runs = store
        .runs(rival, RunFilter::default(), everything())
        .await
        .unwrap();
    assert_eq!((runs.items.len(), runs.total), (0, 0));
    let logs = store
        .run_logs(rival, run.id, everything(), false)
        .await
        .unwrap();
    assert_eq!(logs, None);
    let resume = ResumeAgentRun::new(run.id, "mine now");
    assert_eq!(store.resume_run(rival, resume).await.unwrap(), None);
    assert_eq!(store.user(rival, acme.user_id()).await.unwrap(), None);
    let users = store.users(rival, everything()).await.unwrap();
    assert_eq!(
        (users.items[0].github_username.as_str(), users.total),
        ("bob", 1)
    );
    let repositories = store.repositories(rival, everything()).await.unwrap();
    assert_eq!(
        (repositories.items[0].full_name.as_str(), repositories.total),
        ("rival/engine", 1)
    );

    let run = store.run(acme, run.id).await.unwrap().unwrap();
    assert!(run.is_final(), "the stranger's resume changed nothing");
}

async fn a_run_cannot_be_started_on_a_repository_of_somebody_else(house: House) {
    let House {
        store, acme, rival, ..
    } = &house;
    let theirs = store.repositories(rival, everything()).await.unwrap().items[0].id;
    let mut request = CreateAgentRun::new("look");
    request.repo_id = Some(theirs);
    let answer = store.create_run(acme, request.clone()).await.unwrap();
    assert_eq!(answer, CreateRun::NoRepository);
    request.repo_id = Some(i64::MAX);
    let answer = store.create_run(acme, request).await.unwrap();
    assert_eq!(answer, CreateRun::NoRepository);
    assert!(claim(store).await.is_none());
}

async fn an_organization_without_repository_cannot_start_a_run(house: House) {
    let House { store, acme, .. } = &house;
    let empty = store.create_organization("empty").await.unwrap();
    store
        .add_member(empty, acme.user_id(), Role::Member)
        .await
        .unwrap();
    let scope = crate::house::scope(store, acme.user_id(), empty).await;
    let answer = store.create_run(&scope, CreateAgentRun::new("look")).await;
    assert_eq!(answer.unwrap(), CreateRun::NoRepository);
}

async fn a_user_shows_the_role_of_the_organization_asked_about(house: House) {
    let House {
        store, acme, rival, ..
    } = &house;
    let mut carol = NewUser::new("carol");
    carol.github_user_id = Some("99".to_owned());
    carol.email = Some("carol@example.com".to_owned());
    let carol = store.create_user(carol).await.unwrap();
    store
        .add_member(acme.organization_id(), carol, Role::Admin)
        .await
        .unwrap();
    store
        .add_member(rival.organization_id(), carol, Role::Member)
        .await
        .unwrap();

    let user = store.user(acme, carol).await.unwrap().unwrap();
    assert_eq!(
        (user.role.as_deref(), user.is_admin),
        (Some("ADMIN"), Some(true))
    );
    assert_eq!(
        (user.github_user_id.as_str(), user.email.as_deref()),
        ("99", Some("carol@example.com"))
    );
    let user = store.user(rival, carol).await.unwrap().unwrap();
    assert_eq!(
        (user.role.as_deref(), user.is_admin),
        (Some("MEMBER"), Some(false))
    );

    let token = store.create_token(carol).await.unwrap();
    let principal = store
        .principal(&TokenDigest::of(token.as_bytes()))
        .await
        .unwrap()
        .unwrap();
    let me = store.current_user(&principal).await.unwrap().unwrap();
    assert_eq!((me.id, me.role, me.is_admin), (carol, None, None));
}

async fn a_credential_lists_only_the_organizations_it_opens(house: House) {
    use codegen_api::server::Principal;

    let House {
        store, acme, rival, ..
    } = &house;
    store
        .add_member(rival.organization_id(), acme.user_id(), Role::Member)
        .await
        .unwrap();
    let both = vec![
        (acme.organization_id(), Role::Admin),
        (rival.organization_id(), Role::Member),
    ];
    let whole = Principal::new(acme.user_id(), both.clone());
    let listing = store.organizations(&whole, everything()).await.unwrap();
    let names: Vec<_> = listing.items.iter().map(|o| o.name.as_str()).collect();
    assert_eq!((names, listing.total), (vec!["acme", "rival"], 2));

    let narrow = Principal::new(acme.user_id(), both[1..].to_vec());
    let listing = store.organizations(&narrow, everything()).await.unwrap();
    assert_eq!(
        (listing.items[0].name.as_str(), listing.total),
        ("rival", 1)
    );
    let nobody = Principal::new(i64::MAX, both);
    assert_eq!(
        store
            .organizations(&nobody, everything())
            .await
            .unwrap()
            .total,
        0
    );
    assert_eq!(store.current_user(&nobody).await.unwrap(), None);
}

async fn whatever_the_operator_repeats_is_not_made_twice(house: House) {
    let House { store, acme, .. } = &house;
    let id = acme.organization_id();
    assert_eq!(store.create_organization("acme").await.unwrap(), id);
    assert_eq!(store.organization_by_name("acme").await.unwrap(), Some(id));
    assert_eq!(store.organization_by_name("nobody").await.unwrap(), None);

    let mut ada = NewUser::new("ada");
    ada.full_name = Some("Ada".to_owned());
    assert_eq!(store.create_user(ada).await.unwrap(), acme.user_id());
    assert_eq!(
        store.create_user(NewUser::new("ada")).await.unwrap(),
        acme.user_id()
    );
    let user = store.user(acme, acme.user_id()).await.unwrap().unwrap();
    assert_eq!(
        user.full_name.as_deref(),
        Some("Ada"),
        "known before, not named again"
    );

    store
        .add_member(id, acme.user_id(), Role::Manager)
        .await
        .unwrap();
    let users = store.users(acme, everything()).await.unwrap();
    assert_eq!(
        (users.total, users.items[0].role.as_deref()),
        (1, Some("MANAGER"))
    );

    let first = store.repositories(acme, everything()).await.unwrap().items[0].id;
    let again = store
        .register_repository(id, "acme", "engine", Some("/moved".as_ref()))
        .await;
    assert_eq!(again.unwrap(), first);
    let again = store.register_repository(id, "acme", "engine", None).await;
    assert_eq!(again.unwrap(), first);
    create(store, acme, "where?").await;
    let root = claim(store).await.unwrap().repository.unwrap().root;
    assert_eq!(root, std::path::Path::new("/moved"));
}
