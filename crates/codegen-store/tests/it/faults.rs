use std::future::poll_fn;
use std::task::Poll;

use codegen_agents::{Answer, LogEntry, Outcome, RunStore, Written};
use codegen_api::model::{CreateAgentRun, ResumeAgentRun};
use codegen_api::server::{Delivery, Role, RunFilter, Store};
use codegen_store::NewUser;
use sqlx::Executor;

use crate::house::{House, LEASE, claim, create, everything, is_unavailable, logs};

#[tokio::test]
async fn a_locked_database_answers_unavailable_and_stores_nothing() {
    let house = House::on_a_file().await;
    let House { acme, .. } = &house;
    let store = house.neighbour().await;
    let ended = create(&store, acme, "ended").await;
    let claimed = claim(&store).await.unwrap().claim;
    let outcome = Outcome::complete(Answer::new("a", "s"));
    let _ = store.finish(claimed, &outcome).await.unwrap();
    let run = create(&store, acme, "active").await;
    let mine = claim(&store).await.unwrap().claim;

    let mut outside = house.connection().await;
    outside.execute("BEGIN EXCLUSIVE").await.unwrap();
    assert!(is_unavailable(
        &store.create_run(acme, CreateAgentRun::new("lost")).await
    ));
    assert!(is_unavailable(
        &store
            .resume_run(acme, ResumeAgentRun::new(ended.id, "lost"))
            .await
    ));
    let delivery = Delivery {
        id: "1".into(),
        event: "push".into(),
        payload: "{}".into(),
    };
    assert!(is_unavailable(
        &store.record_delivery(delivery.clone()).await
    ));
    assert!(is_unavailable(&store.claim("me", LEASE).await));
    assert!(is_unavailable(&store.heartbeat(mine, LEASE).await));
    assert!(is_unavailable(
        &store.append_log(mine, &LogEntry::error("lost")).await
    ));
    assert!(is_unavailable(&store.finish(mine, &outcome).await));
    assert!(is_unavailable(&store.release(mine).await));
    assert!(is_unavailable(&store.create_organization("lost").await));
    assert!(is_unavailable(
        &store.create_user(NewUser::new("lost")).await
    ));
    let member = store
        .add_member(acme.organization_id(), acme.user_id(), Role::Member)
        .await;
    assert!(is_unavailable(&member));
    assert!(is_unavailable(&store.create_token(acme.user_id()).await));
    assert!(is_unavailable(&store.revoke_token("cg_").await));

    // Whoever only reads doesn't notice.
    store.ping().await.unwrap();
    assert_eq!(store.run(acme, run.id).await.unwrap().unwrap().id, run.id);

    outside.execute("ROLLBACK").await.unwrap();
    let runs = store
        .runs(acme, RunFilter::default(), everything())
        .await
        .unwrap();
    assert_eq!(runs.total, 2);
    assert_eq!(logs(&store, acme, run.id).await.total, 0);
    assert_eq!(logs(&store, acme, ended.id).await.total, 1);
    assert_eq!(store.organization_by_name("lost").await.unwrap(), None);
    assert_eq!(store.finish(mine, &outcome).await.unwrap(), Written::Done);
    assert!(store.record_delivery(delivery).await.unwrap());
}

#[tokio::test]
async fn a_call_that_is_given_up_leaves_the_store_in_order() {
    for house in [House::on_a_file().await, House::in_memory().await] {
        let House { store, acme, .. } = &house;
        let mut ended = false;
        for polls in 0.. {
            if ended {
                break;
            }
            let mut left = polls;
            let mut create = Box::pin(store.create_run(acme, CreateAgentRun::new("dropped")));
            poll_fn(|cx| {
                if left == 0 {
                    return Poll::Ready(());
                }
                left -= 1;
                ended = create.as_mut().poll(cx).is_ready();
                if ended || left == 0 {
                    Poll::Ready(())
                } else {
                    Poll::Pending
                }
            })
            .await;
        }
        let runs = store
            .runs(acme, RunFilter::default(), everything())
            .await
            .unwrap();
        let mut claimed = 0;
        while claim(store).await.is_some() {
            claimed += 1;
        }
        assert_eq!(runs.total, claimed, "each is stored whole or not at all");
        create(store, acme, "and it goes on").await;
    }
}
