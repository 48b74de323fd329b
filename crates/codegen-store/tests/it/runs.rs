use std::time::Duration;

use codegen_agents::{Answer, Lease, LogEntry, Outcome, RunStore, Written};
use codegen_api::model::{CreateAgentRun, RunStatus};
use codegen_api::server::{CreateRun, Role, Store, TokenDigest, Window};
use codegen_store::{NewUser, SqliteStore};

#[tokio::test]
async fn smoke() {
    let store = SqliteStore::open("sqlite::memory:").await.unwrap();
    let org = store.create_organization("acme").await.unwrap();
    let user = store.create_user(NewUser::new("ada")).await.unwrap();
    store.add_member(org, user, Role::Admin).await.unwrap();
    let token = store.create_token(user).await.unwrap();
    let repo = store
        .register_repository(org, "acme", "app", Some("/tmp".as_ref()))
        .await
        .unwrap();
    let principal = store
        .principal(&TokenDigest::of(token.as_bytes()))
        .await
        .unwrap()
        .unwrap();
    let scope = principal.scope(org).unwrap();
    let CreateRun::Created(run) = store
        .create_run(&scope, CreateAgentRun::new("why?"))
        .await
        .unwrap()
    else {
        panic!("{repo}")
    };
    let claimed = store
        .claim("me", Duration::from_secs(5))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(claimed.claim.run_id, run.id);
    assert_eq!(
        store
            .heartbeat(claimed.claim, Duration::from_secs(5))
            .await
            .unwrap(),
        Lease::Held
    );
    let entry = LogEntry::error("x");
    assert_eq!(
        store.append_log(claimed.claim, &entry).await.unwrap(),
        Written::Done
    );
    let outcome = Outcome::complete(Answer::new("a", "b"));
    assert_eq!(
        store.finish(claimed.claim, &outcome).await.unwrap(),
        Written::Done
    );
    let window = Window { skip: 0, limit: 10 };
    let (run, logs) = store
        .run_logs(&scope, run.id, window, false)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(run.status, Some(RunStatus::Complete));
    assert_eq!(logs.total, 2);
    println!("{run:?} {logs:?}");
}
