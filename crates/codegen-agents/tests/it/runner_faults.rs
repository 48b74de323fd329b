use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use codegen_agents::{AgentTask, Answer, RunStatus, RunStore, Runner, Written};
use serde_json::json;
use tokio::time::sleep;

use crate::memory::Memory;
use crate::runner::{provider, seconds, slow};

/// Says when it is dropped.
struct Dropped(Arc<AtomicBool>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[tokio::test(start_paused = true)]
async fn an_owner_cut_off_for_a_lease_ends_its_provider_and_cannot_end_the_run() {
    let near = Memory::new();
    let far = near.another_connection();
    near.add(1);
    let dropped = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&dropped);
    let providers = provider(move |_| {
        let dropped = Dropped(Arc::clone(&flag));
        async move {
            sleep(seconds(3_000)).await;
            drop(dropped);
            Ok(Answer::new("from the first", ""))
        }
    });
    let _first = Runner::new(near.clone(), providers).start();
    sleep(seconds(1)).await;
    near.cut(true);
    sleep(seconds(10)).await;
    assert!(!dropped.load(Ordering::SeqCst), "the lease still holds");
    sleep(seconds(10)).await;
    assert!(dropped.load(Ordering::SeqCst));

    let _second = Runner::new(far.clone(), slow(seconds(30))).start();
    sleep(seconds(5)).await;
    near.cut(false);
    let row = far.ended(1).await;
    sleep(seconds(60)).await;
    assert_eq!(row.result.as_deref(), Some("answer to prompt 1"));
    assert_eq!((row.fence, row.attempt), (2, 2));
    assert_eq!(far.row(1).ends, 1);
}

#[tokio::test(start_paused = true)]
async fn two_owners_of_one_run_end_it_once() {
    let near = Memory::new();
    let far = near.another_connection();
    near.add(1);
    // Both answer; the first one late, after its lease.
    let _first = Runner::new(near.clone(), slow(seconds(14))).start();
    sleep(seconds(1)).await;
    near.cut(true);
    sleep(seconds(15)).await;
    let _second = Runner::new(far.clone(), slow(seconds(5))).start();
    sleep(seconds(1)).await;
    near.cut(false);
    far.ended(1).await;
    sleep(seconds(60)).await;
    let row = far.row(1);
    assert_eq!(row.ends, 1);
    assert_eq!(row.kinds(), "FINAL_ANSWER");
    assert_eq!(row.fence, 2);
}

#[tokio::test(start_paused = true)]
async fn a_write_under_an_old_fence_ends_the_attempt() {
    let store = Memory::new();
    store.add(1);
    let cancelled = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&cancelled);
    let providers = provider(move |task: AgentTask| {
        let seen = Arc::clone(&seen);
        async move {
            sleep(seconds(1)).await;
            task.journal.action("look", json!({}), json!({})).await?;
            task.cancel.cancelled().await;
            seen.fetch_add(1, Ordering::SeqCst);
            Ok(Answer::new("too late", ""))
        }
    });
    let _running = Runner::new(store.clone(), providers).start();
    sleep(Duration::from_millis(500)).await;
    store.change(1, |row| row.fence += 1);
    sleep(seconds(2)).await;
    assert_eq!(cancelled.load(Ordering::SeqCst), 1);
    let row = store.row(1);
    assert_eq!((row.ends, row.log.len()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_for_a_moment_loses_nothing() {
    let store = Memory::new();
    store.add(1);
    let providers = provider(|task: AgentTask| async move {
        for n in 0..60 {
            task.journal
                .action("count", json!({ "n": n }), json!({}))
                .await?;
            sleep(Duration::from_millis(200)).await;
        }
        Ok(Answer::new("counted", ""))
    });
    let _running = Runner::new(store.clone(), providers).start();
    // Away while claiming, while logging, and while ending.
    store.cut(true);
    sleep(seconds(2)).await;
    store.cut(false);
    sleep(seconds(5)).await;
    store.cut(true);
    sleep(seconds(8)).await;
    store.cut(false);
    let row = store.ended(1).await;
    assert_eq!(row.status, RunStatus::Complete);
    assert_eq!((row.fence, row.attempt, row.ends), (1, 1, 1));
    let counted: Vec<_> = row
        .log
        .iter()
        .filter_map(|entry| entry.tool_input.as_ref()?.get("n")?.as_i64())
        .collect();
    assert_eq!(counted, (0..60).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn an_answer_waits_for_a_store_that_is_away_and_keeps_its_lease_afterwards() {
    let near = Memory::new();
    let far = near.another_connection();
    near.add(1);
    let _first = Runner::new(near.clone(), slow(seconds(2))).start();
    sleep(seconds(1)).await;
    near.cut(true);
    sleep(seconds(600)).await;
    assert_eq!(far.row(1).status, RunStatus::Active);
    near.cut(false);
    let row = far.ended(1).await;
    assert_eq!((row.status, row.fence), (RunStatus::Complete, 1));
}

#[tokio::test(start_paused = true)]
async fn an_interruption_by_the_store_is_not_counted_as_an_attempt() {
    let store = Memory::new();
    store.add(1);
    let _running = Runner::new(store.clone(), slow(seconds(40))).start();
    for _ in 0..6 {
        sleep(seconds(6)).await;
        store.cut(true);
        sleep(seconds(30)).await;
        store.cut(false);
    }
    let row = store.ended(1).await;
    assert_eq!(row.status, RunStatus::Complete);
    assert_eq!((row.ends, row.attempt), (1, 1));
    assert!(row.fence > 3);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_ends_also_when_the_store_is_away() {
    let store = Memory::new();
    store.add(1);
    let running = Runner::new(store.clone(), slow(seconds(1_000))).start();
    sleep(seconds(1)).await;
    store.cut(true);
    running.shutdown(seconds(1)).await;
    store.cut(false);
    // Left as it was: the lease brings it back.
    assert_eq!(store.row(1).status, RunStatus::Active);
    let _next = Runner::new(store.clone(), slow(Duration::ZERO)).start();
    assert_eq!(store.ended(1).await.status, RunStatus::Complete);
}

#[tokio::test(start_paused = true)]
async fn a_log_entry_in_flight_at_the_shutdown_is_stored() {
    let store = Memory::new();
    store.add(1);
    let providers = provider(|task: AgentTask| async move {
        task.journal.action("one", json!({}), json!({})).await?;
        task.journal.action("two", json!({}), json!({})).await?;
        sleep(seconds(1_000)).await;
        Ok(Answer::new("", ""))
    });
    store.cut(false);
    let running = Runner::new(store.clone(), providers).start();
    sleep(Duration::from_millis(1)).await;
    store.cut(true);
    sleep(Duration::from_millis(50)).await;
    let end = tokio::spawn(running.shutdown(Duration::ZERO));
    sleep(seconds(1)).await;
    store.cut(false);
    end.await.unwrap();
    let row = store.row(1);
    assert_eq!(row.status, RunStatus::Pending);
    assert_eq!(row.kinds(), "ACTION ACTION");
}

#[tokio::test(start_paused = true)]
async fn a_journal_left_behind_does_not_keep_a_run_open() {
    let store = Memory::new();
    store.add(1);
    let providers = provider(|task: AgentTask| async move {
        let journal = task.journal.clone();
        tokio::spawn(async move {
            loop {
                if journal.action("leak", json!({}), json!({})).await.is_err() {
                    break;
                }
                sleep(seconds(1)).await;
            }
        });
        Ok(Answer::new("", ""))
    });
    let _running = Runner::new(store.clone(), providers).start();
    sleep(seconds(5)).await;
    assert_eq!(store.row(1).status, RunStatus::Complete);
}

#[tokio::test(start_paused = true)]
async fn a_run_claimed_without_the_runner_being_told_is_claimed_again() {
    let store = Memory::new();
    store.add(1);
    store.lose_answer_once();
    let _running = Runner::new(store.clone(), slow(Duration::ZERO)).start();
    let row = store.ended(1).await;
    assert_eq!((row.status, row.fence), (RunStatus::Complete, 2));
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_the_store_does_not_keep_the_run() {
    let store = Memory::new();
    store.add(1);
    store.panic_once();
    let providers = provider(|task: AgentTask| async move {
        task.journal.action("look", json!({}), json!({})).await?;
        Ok(Answer::new("", ""))
    });
    let _running = Runner::new(store.clone(), providers).start();
    let row = store.ended(1).await;
    assert_eq!((row.status, row.fence), (RunStatus::Complete, 2));
}

#[tokio::test(start_paused = true)]
async fn the_test_store_keeps_its_contract() {
    let store = Memory::new();
    store.add(1);
    let first = store.claim("a", seconds(1)).await.unwrap().unwrap();
    assert!(store.claim("b", seconds(1)).await.unwrap().is_none());
    sleep(seconds(1)).await;
    let second = store.claim("b", seconds(1)).await.unwrap().unwrap();
    assert_eq!((second.claim.fence, second.attempt), (2, 2));
    assert_eq!(store.release(first.claim).await.unwrap(), Written::Fenced);
    assert_eq!(store.release(second.claim).await.unwrap(), Written::Done);
}
