use std::time::Duration;

use codegen_agents::{Answer, Claim, Lease, LogEntry, Outcome, RunStatus, RunStore, Written};
use codegen_api::model::RunStatus as Word;
use codegen_api::server::{OrgScope, Store};
use codegen_store::SqliteStore;

use crate::house::{House, LEASE, claim, create, logs, on_each_database};

on_each_database! {
    the_oldest_run_is_claimed_first_and_becomes_active
    a_run_without_a_source_tree_is_claimed_without_one
    a_held_lease_keeps_a_run_to_the_last_microsecond
    a_heartbeat_moves_the_end_of_the_lease_from_now
    a_late_heartbeat_saves_a_run_that_nobody_claimed
    an_expired_run_is_taken_over_with_a_new_fence_and_attempt
    a_runner_is_not_given_what_it_already_holds
    whoever_lost_a_run_can_write_nothing
    a_finished_run_is_never_claimed_or_finished_again
    a_released_run_keeps_its_age_its_log_and_its_attempt
    a_claim_of_a_run_that_never_was_is_lost
    the_last_entry_and_the_end_are_stored_together
    a_lease_longer_than_time_itself_is_held
}

fn outcome() -> Outcome {
    Outcome::complete(Answer::new("answer", "summary"))
}

async fn status(store: &SqliteStore, scope: &OrgScope, run: i64) -> Word {
    let run = store.run(scope, run).await.unwrap().unwrap();
    run.status.unwrap()
}

async fn the_oldest_run_is_claimed_first_and_becomes_active(house: House) {
    let House {
        store, acme, rival, ..
    } = &house;
    assert!(claim(store).await.is_none());
    let first = create(store, rival, "first").await;
    let second = create(store, acme, "second").await;

    let claimed = claim(store).await.unwrap();
    assert_eq!(claimed.claim.run_id, first.id);
    assert_eq!(claimed.organization_id, rival.organization_id());
    assert_eq!((claimed.attempt, claimed.stop), (1, false));
    assert_eq!(
        (claimed.prompt.as_str(), claimed.agent_type),
        ("first", None)
    );
    let repository = claimed.repository.unwrap();
    assert_eq!(repository.name, "engine");
    assert_eq!(repository.root, std::path::Path::new("/srv/rival"));
    assert_eq!(status(store, rival, first.id).await, Word::Active);
    assert_eq!(status(store, acme, second.id).await, Word::Pending);

    assert_eq!(claim(store).await.unwrap().claim.run_id, second.id);
    assert!(claim(store).await.is_none());
}

async fn a_run_without_a_source_tree_is_claimed_without_one(house: House) {
    let House { store, acme, .. } = &house;
    let id = acme.organization_id();
    let bare = store
        .register_repository(id, "acme", "bare", None)
        .await
        .unwrap();
    let mut request = codegen_api::model::CreateAgentRun::new("look");
    request.repo_id = Some(bare);
    store.create_run(acme, request).await.unwrap();
    assert_eq!(claim(store).await.unwrap().repository, None);
}

async fn a_held_lease_keeps_a_run_to_the_last_microsecond(house: House) {
    let House {
        store, acme, clock, ..
    } = &house;
    create(store, acme, "mine").await;
    let mine = claim(store).await.unwrap();
    clock.advance(LEASE - Duration::from_micros(1));
    assert!(claim(store).await.is_none());
    clock.advance(Duration::from_micros(1));
    assert_eq!(claim(store).await.unwrap().claim.run_id, mine.claim.run_id);
}

async fn a_heartbeat_moves_the_end_of_the_lease_from_now(house: House) {
    let House {
        store, acme, clock, ..
    } = &house;
    create(store, acme, "mine").await;
    let mine = claim(store).await.unwrap().claim;
    clock.advance(LEASE / 2);
    assert_eq!(store.heartbeat(mine, LEASE).await.unwrap(), Lease::Held);
    clock.advance(LEASE - Duration::from_micros(1));
    assert!(claim(store).await.is_none());
    // Also to an earlier end.
    let short = Duration::from_micros(1);
    assert_eq!(store.heartbeat(mine, short).await.unwrap(), Lease::Held);
    clock.advance(short);
    assert!(claim(store).await.is_some());
}

async fn a_late_heartbeat_saves_a_run_that_nobody_claimed(house: House) {
    let House {
        store, acme, clock, ..
    } = &house;
    create(store, acme, "mine").await;
    let mine = claim(store).await.unwrap().claim;
    clock.advance(LEASE * 10);
    assert_eq!(store.heartbeat(mine, LEASE).await.unwrap(), Lease::Held);
    assert!(claim(store).await.is_none());
    assert_eq!(store.finish(mine, &outcome()).await.unwrap(), Written::Done);
}

async fn an_expired_run_is_taken_over_with_a_new_fence_and_attempt(house: House) {
    let House {
        store, acme, clock, ..
    } = &house;
    create(store, acme, "mine").await;
    let mut last = claim(store).await.unwrap();
    for attempt in 2..5 {
        clock.advance(LEASE);
        let next = claim(store).await.unwrap();
        assert_eq!(next.claim.run_id, last.claim.run_id);
        assert_eq!(next.claim.fence, last.claim.fence + 1);
        assert_eq!(next.attempt, attempt);
        last = next;
    }
}

// After an outage longer than a lease it would compete with itself.
async fn a_runner_is_not_given_what_it_already_holds(house: House) {
    let House {
        store, acme, clock, ..
    } = &house;
    create(store, acme, "mine").await;
    let mine = store.claim("me", LEASE).await.unwrap().unwrap().claim;
    clock.advance(LEASE * 10);
    assert!(store.claim("me", LEASE).await.unwrap().is_none());
    assert_eq!(store.finish(mine, &outcome()).await.unwrap(), Written::Done);
}

async fn whoever_lost_a_run_can_write_nothing(house: House) {
    let House {
        store, acme, clock, ..
    } = &house;
    let run = create(store, acme, "mine").await;
    let old = claim(store).await.unwrap().claim;
    clock.advance(LEASE);
    let new = claim(store).await.unwrap().claim;

    assert_eq!(store.heartbeat(old, LEASE).await.unwrap(), Lease::Lost);
    let entry = LogEntry::error("late");
    assert_eq!(
        store.append_log(old, &entry).await.unwrap(),
        Written::Fenced
    );
    assert_eq!(
        store.finish(old, &outcome()).await.unwrap(),
        Written::Fenced
    );
    assert_eq!(store.release(old).await.unwrap(), Written::Fenced);

    assert_eq!(logs(store, acme, run.id).await.total, 0);
    assert_eq!(status(store, acme, run.id).await, Word::Active);
    assert_eq!(store.heartbeat(new, LEASE).await.unwrap(), Lease::Held);
}

async fn a_finished_run_is_never_claimed_or_finished_again(house: House) {
    let House {
        store, acme, clock, ..
    } = &house;
    let run = create(store, acme, "mine").await;
    let mine = claim(store).await.unwrap().claim;
    assert_eq!(store.finish(mine, &outcome()).await.unwrap(), Written::Done);
    let finished = store.run(acme, run.id).await.unwrap();

    assert_eq!(
        store.finish(mine, &outcome()).await.unwrap(),
        Written::Fenced
    );
    assert_eq!(store.heartbeat(mine, LEASE).await.unwrap(), Lease::Lost);
    assert_eq!(store.release(mine).await.unwrap(), Written::Fenced);
    let entry = LogEntry::error("late");
    assert_eq!(
        store.append_log(mine, &entry).await.unwrap(),
        Written::Fenced
    );
    clock.advance(LEASE * 2);
    assert!(claim(store).await.is_none());
    assert_eq!(store.run(acme, run.id).await.unwrap(), finished);
    assert_eq!(logs(store, acme, run.id).await.total, 1);
}

async fn a_released_run_keeps_its_age_its_log_and_its_attempt(house: House) {
    let House {
        store, acme, clock, ..
    } = &house;
    let run = create(store, acme, "first").await;
    create(store, acme, "second").await;
    claim(store).await;
    clock.advance(LEASE);
    let mine = claim(store).await.unwrap();
    assert_eq!((mine.claim.run_id, mine.attempt), (run.id, 2));
    let entry = LogEntry::error("half way");
    let _ = store.append_log(mine.claim, &entry).await.unwrap();
    assert_eq!(store.release(mine.claim).await.unwrap(), Written::Done);

    assert_eq!(status(store, acme, run.id).await, Word::Pending);
    assert_eq!(
        store.heartbeat(mine.claim, LEASE).await.unwrap(),
        Lease::Lost
    );
    assert_eq!(store.release(mine.claim).await.unwrap(), Written::Fenced);
    let again = claim(store).await.unwrap();
    assert_eq!((again.claim.run_id, again.attempt), (run.id, 2));
    assert_eq!(again.claim.fence, mine.claim.fence + 1);
    assert_eq!(logs(store, acme, run.id).await.total, 1);
}

async fn a_claim_of_a_run_that_never_was_is_lost(house: House) {
    let store = &house.store;
    let ghost = Claim {
        run_id: i64::MAX,
        fence: 0,
    };
    assert_eq!(store.heartbeat(ghost, LEASE).await.unwrap(), Lease::Lost);
    let entry = LogEntry::error("boo");
    assert_eq!(
        store.append_log(ghost, &entry).await.unwrap(),
        Written::Fenced
    );
    assert_eq!(
        store.finish(ghost, &outcome()).await.unwrap(),
        Written::Fenced
    );
    assert_eq!(store.release(ghost).await.unwrap(), Written::Fenced);

    // A run nobody claimed yet has a fence too, and it is not anybody's.
    let run = create(store, &house.acme, "pending").await;
    let early = Claim {
        run_id: run.id,
        fence: 0,
    };
    assert_eq!(store.heartbeat(early, LEASE).await.unwrap(), Lease::Lost);
    assert_eq!(
        store.finish(early, &outcome()).await.unwrap(),
        Written::Fenced
    );
}

async fn the_last_entry_and_the_end_are_stored_together(house: House) {
    let House { store, acme, .. } = &house;
    let run = create(store, acme, "mine").await;
    let mine = claim(store).await.unwrap().claim;
    let mut outcome = Outcome::complete(Answer::new("text", "short").diff("+1"));
    outcome.status = RunStatus::MaxIterationsReached;
    assert_eq!(store.finish(mine, &outcome).await.unwrap(), Written::Done);
    let run = store.run(acme, run.id).await.unwrap().unwrap();
    assert_eq!(run.status, Some(Word::MaxIterationsReached));
    assert_eq!(run.result.as_deref(), Some("text\n\n+1"));
    assert_eq!(run.summary.as_deref(), Some("short"));
    let last = logs(store, acme, run.id).await.items.pop().unwrap();
    assert_eq!(last.message_type.unwrap().as_str(), "FINAL_ANSWER");
    assert_eq!(last.observation.unwrap()["diff"], "+1");
}

async fn a_lease_longer_than_time_itself_is_held(house: House) {
    let House {
        store, acme, clock, ..
    } = &house;
    create(store, acme, "mine").await;
    let mine = store.claim("runner", Duration::MAX).await.unwrap().unwrap();
    clock.advance(Duration::from_secs(1 << 32));
    assert!(claim(store).await.is_none());
    let held = store.heartbeat(mine.claim, Duration::MAX).await.unwrap();
    assert_eq!(held, Lease::Held);
}

/// Nothing asks for a stop yet; a later operation sets this column.
#[tokio::test]
async fn a_wish_to_stop_reaches_the_runner() {
    let house = House::on_a_file().await;
    let House { store, acme, .. } = &house;
    create(store, acme, "mine").await;
    let mine = claim(store).await.unwrap().claim;
    let mut outside = house.connection().await;
    sqlx::query("UPDATE agent_runs SET stop = TRUE")
        .execute(&mut outside)
        .await
        .unwrap();
    assert_eq!(store.heartbeat(mine, LEASE).await.unwrap(), Lease::Stop);
    assert_eq!(store.release(mine).await.unwrap(), Written::Done);
    assert!(claim(store).await.unwrap().stop);
}
