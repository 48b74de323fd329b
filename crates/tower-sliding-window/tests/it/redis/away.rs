//! Servers that die, freeze, refuse to write and come back.

use std::time::Duration;

use tokio::time::Instant;
use tower_sliding_window::{Adjust, Charge, Denied, redis::OnFailure};

use super::{Shared, admit, server::Server, store};
use crate::oracle::quota;

const HOUR: Duration = Duration::from_secs(3600);
const DEADLINE: Duration = Duration::from_millis(100);

/// A connected store, that waits for as long as the tests here can bear.
async fn connected(server: &Server, on_failure: OnFailure) -> Shared {
    let store = store(server.client(), "away")
        .deadline(DEADLINE)
        .on_failure(on_failure);
    for _ in 0..50 {
        // A busy machine may miss the deadline the first times.
        let _ = admit(&store, 0, quota(1000, HOUR)).await;
        if server.tell("EXISTS away:{0}").await == redis::Value::Int(1) {
            return store;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    panic!("the store never reached the server");
}

/// Until the server decides again, which is a second after it failed last.
async fn recovered(store: &Shared, server: &Server, key: u32) {
    let name = format!("EXISTS away:{{{key}}}");
    for _ in 0..100 {
        let _ = admit(store, key, quota(1000, HOUR)).await;
        if server
            .try_tell(&name)
            .await
            .is_ok_and(|value| value == redis::Value::Int(1))
        {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the store never found the server again");
}

#[tokio::test]
#[ignore = "needs REDIS_URL"]
async fn a_killed_server_leaves_the_decision_to_the_policy_until_it_is_back() {
    let mut server = Server::start(&[]).await;
    let four = quota(4, HOUR);
    let deny = connected(&server, OnFailure::Deny).await;
    let allow = connected(&server, OnFailure::Allow).await;
    let local = connected(&server, OnFailure::local(2)).await;
    // Counted beside, so that the share is not fresh when it is needed.
    admit(&local, 1, four).await.unwrap();
    server.kill();

    let second = Duration::from_secs(1);
    assert_eq!(admit(&deny, 1, four).await, Err(Denied::new(four, second)));
    for _ in 0..10 {
        assert!(admit(&allow, 1, four).await.is_ok());
    }
    assert!(admit(&local, 1, four).await.is_ok());
    let denied = admit(&local, 1, four).await.unwrap_err();
    assert_eq!(denied.quota, quota(2, HOUR));

    server.restart().await;
    for (key, store) in [(11, &deny), (12, &allow), (13, &local)] {
        recovered(store, &server, key).await;
    }
}

#[tokio::test]
#[ignore = "needs REDIS_URL"]
async fn a_frozen_server_costs_one_deadline_and_then_nothing() {
    let server = Server::start(&[]).await;
    let store = connected(&server, OnFailure::Allow).await;
    server.signal("-STOP");
    let start = Instant::now();
    admit(&store, 1, quota(1, HOUR)).await.unwrap();
    let first = start.elapsed();
    assert!(first >= DEADLINE);
    for _ in 0..200 {
        admit(&store, 1, quota(1, HOUR)).await.unwrap();
    }
    // Not one deadline each.
    assert!(start.elapsed() - first < 20 * DEADLINE);
    server.signal("-CONT");
    recovered(&store, &server, 21).await;
}

#[tokio::test]
#[ignore = "needs REDIS_URL"]
async fn a_question_that_was_not_answered_in_time_is_asked_only_once() {
    let server = Server::start(&[]).await;
    let store = connected(&server, OnFailure::Allow).await;
    server.tell("CLIENT PAUSE 1500 WRITE").await;
    admit(&store, 5, quota(10, HOUR)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1600)).await;
    recovered(&store, &server, 22).await;
    // The first was charged late or not at all, and then one that asked.
    let admission = admit(&store, 5, quota(10, HOUR)).await.unwrap();
    assert!(admission.remaining >= 8, "{}", admission.remaining);
}

#[tokio::test]
#[ignore = "needs REDIS_URL"]
async fn a_server_that_may_not_write_counts_as_away() {
    let server = Server::start(&[]).await;
    let replica = connected(&server, OnFailure::Deny).await;
    let other = Server::start(&[]).await;
    server
        .tell(&format!("REPLICAOF 127.0.0.1 {}", other.port()))
        .await;
    let one = quota(1, HOUR);
    assert_eq!(
        admit(&replica, 1, one).await,
        Err(Denied::new(one, Duration::from_secs(1)))
    );
    server.tell("REPLICAOF NO ONE").await;
    recovered(&replica, &server, 23).await;

    let full = connected(&other, OnFailure::Deny).await;
    other.tell("CONFIG SET maxmemory 1").await;
    assert_eq!(
        admit(&full, 1, one).await,
        Err(Denied::new(one, Duration::from_secs(1)))
    );
    other.tell("CONFIG SET maxmemory 0").await;
    recovered(&full, &other, 24).await;
}

#[tokio::test]
#[ignore = "needs REDIS_URL"]
async fn a_server_that_was_never_there_is_found_when_it_comes() {
    let mut server = Server::start(&[]).await;
    server.kill();
    let store = store(server.client(), "away").on_failure(OnFailure::Allow);
    admit(&store, 1, quota(1, HOUR)).await.unwrap();
    // Nothing to correct it with either, and nobody waits.
    store.charge(Charge::new(&1, quota(1, HOUR)));
    server.restart().await;
    recovered(&store, &server, 25).await;
}
