use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use codegen_agents::{
    AgentTask, Answer, Provider, ProviderError, Providers, RunStatus, RunStore, Runner,
};
use serde_json::json;
use tokio::time::sleep;
use tower::service_fn;

use crate::memory::Memory;

/// A provider made of an async function.
pub(crate) fn provider<F, R>(answer: F) -> Providers
where
    F: Fn(AgentTask) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = Result<Answer, ProviderError>> + Send + 'static,
{
    Providers::new(Provider::new(service_fn(answer)))
}

/// A provider that answers after a while.
pub(crate) fn slow(pause: Duration) -> Providers {
    provider(move |task: AgentTask| async move {
        sleep(pause).await;
        Ok(Answer::new(format!("answer to {}", task.prompt), "done"))
    })
}

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test(start_paused = true)]
async fn a_run_is_logged_as_it_goes_and_completed() {
    let store = Memory::new();
    store.add(1);
    let providers = provider(|task: AgentTask| async move {
        assert_eq!((task.run_id, task.organization_id, task.attempt), (1, 7, 1));
        task.journal
            .action("look", json!({ "at": "a" }), json!(3))
            .await?;
        sleep(seconds(2)).await;
        task.journal
            .action("look", json!({ "at": "b" }), json!({}))
            .await?;
        Ok(Answer::new("it is there", "there").diff("--- a\n+++ b\n"))
    });
    let running = Runner::new(store.clone(), providers).start();

    sleep(seconds(1)).await;
    let row = store.row(1);
    assert_eq!(row.status, RunStatus::Active);
    assert_eq!(row.kinds(), "ACTION");
    assert_eq!(row.log[0].tool_output, Some(json!({ "value": 3 })));

    let row = store.ended(1).await;
    assert_eq!(row.status, RunStatus::Complete);
    assert_eq!(row.kinds(), "ACTION ACTION FINAL_ANSWER");
    assert_eq!(row.summary.as_deref(), Some("there"));
    assert_eq!(row.result.as_deref(), Some("it is there\n\n--- a\n+++ b\n"));
    assert_eq!(
        row.log[2].observation,
        Some(json!({ "answer": "it is there", "diff": "--- a\n+++ b\n" }))
    );
    running.shutdown(Duration::ZERO).await;
    assert_eq!(store.row(1).ends, 1);
}

#[tokio::test(start_paused = true)]
async fn a_wake_up_does_not_wait_for_the_poll() {
    let store = Memory::new();
    let running = Runner::new(store.clone(), slow(Duration::ZERO))
        .poll_interval(Duration::MAX)
        .start();
    sleep(seconds(5)).await;
    store.add(1);
    sleep(seconds(5)).await;
    assert_eq!(store.row(1).status, RunStatus::Pending);
    running.waker().wake();
    sleep(seconds(1)).await;
    assert_eq!(store.row(1).status, RunStatus::Complete);
}

#[tokio::test(start_paused = true)]
async fn a_poll_finds_what_nobody_announced() {
    let store = Memory::new();
    let _running = Runner::new(store.clone(), slow(Duration::ZERO)).start();
    sleep(seconds(5)).await;
    store.add(1);
    sleep(seconds(2)).await;
    assert_eq!(store.row(1).status, RunStatus::Complete);
}

#[tokio::test(start_paused = true)]
async fn no_more_runs_than_allowed_are_at_work() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let store = Memory::new();
    for id in 1..=7 {
        store.add(id);
    }
    let at_most = Arc::clone(&most);
    let providers = provider(move |_| {
        let (now, most) = (Arc::clone(&now), Arc::clone(&most));
        async move {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            sleep(seconds(1)).await;
            now.fetch_sub(1, Ordering::SeqCst);
            Ok(Answer::new("", ""))
        }
    });
    let _running = Runner::new(store.clone(), providers)
        .concurrency(NonZeroUsize::new(3).unwrap())
        .start();
    for id in 1..=7 {
        assert_eq!(store.ended(id).await.status, RunStatus::Complete);
    }
    assert_eq!(at_most.load(Ordering::SeqCst), 3);
}

#[tokio::test(start_paused = true)]
async fn every_error_of_a_provider_ends_its_run_in_the_documented_state() {
    let store = Memory::new();
    for id in 1..=5 {
        store.add(id);
    }
    let providers = provider(|task: AgentTask| async move {
        match task.run_id {
            1 => Err(ProviderError::Timeout { limit: seconds(3) }),
            2 => Err(ProviderError::OutputLimit { limit: 9 }),
            3 => Err(ProviderError::Io {
                doing: "open the source tree",
                source: std::io::ErrorKind::NotFound.into(),
            }),
            4 => Err(ProviderError::Cancelled),
            _ => panic!("on purpose"),
        }
    });
    let _running = Runner::new(store.clone(), providers).start();
    let mut ends = Vec::new();
    for id in 1..=5 {
        let row = store.ended(id).await;
        assert_eq!(row.kinds(), "ERROR");
        assert_eq!(row.result, None);
        ends.push((row.status, row.last_words()));
    }
    let expected = [
        (RunStatus::Timeout, "the time limit of 3s passed"),
        (RunStatus::Failed, "more than 9 bytes of output"),
        (
            RunStatus::Error,
            "cannot open the source tree: entity not found",
        ),
        (RunStatus::Cancelled, "cancelled"),
        (RunStatus::Error, "the provider panicked"),
    ];
    assert_eq!(
        ends,
        expected.map(|(status, words)| (status, words.to_owned()))
    );
}

#[tokio::test(start_paused = true)]
async fn a_run_that_nobody_can_execute_ends_with_an_error() {
    let store = Memory::new();
    store.add_for(1, Some("astrologer"));
    store.add(2);
    store.forget_repository(2);
    let _running = Runner::new(store.clone(), slow(Duration::ZERO)).start();
    for (id, words) in [(1, "agent type"), (2, "source tree")] {
        let row = store.ended(id).await;
        assert_eq!(row.status, RunStatus::Error);
        assert!(row.last_words().contains(words), "{}", row.last_words());
    }
}

#[tokio::test(start_paused = true)]
async fn the_agent_type_chooses_the_provider() {
    let store = Memory::new();
    store.add_for(1, Some("other"));
    let other = Provider::new(service_fn(async |_: AgentTask| {
        Ok::<_, ProviderError>(Answer::new("from the other", ""))
    }));
    let providers = slow(Duration::ZERO).agent_type("other", other);
    let _running = Runner::new(store.clone(), providers).start();
    assert_eq!(
        store.ended(1).await.result.as_deref(),
        Some("from the other")
    );
}

#[tokio::test(start_paused = true)]
async fn a_run_longer_than_its_lease_stays_with_its_owner() {
    let store = Memory::new();
    store.add(1);
    let first = Runner::new(store.clone(), slow(seconds(300))).start();
    sleep(seconds(1)).await;
    let second = Runner::new(store.another_connection(), slow(Duration::ZERO)).start();
    sleep(seconds(290)).await;
    assert_eq!(store.row(1).fence, 1);
    assert_eq!(store.ended(1).await.attempt, 1);
    first.shutdown(Duration::ZERO).await;
    second.shutdown(Duration::ZERO).await;
}

#[tokio::test(start_paused = true)]
async fn a_run_of_a_dead_owner_is_taken_over_when_its_lease_has_expired() {
    let store = Memory::new();
    store.add(1);
    let dead = store.claim("dead", seconds(15)).await.unwrap().unwrap();
    assert_eq!(dead.claim.fence, 1);
    let _running = Runner::new(store.clone(), slow(Duration::ZERO)).start();
    sleep(seconds(14)).await;
    assert_eq!(store.row(1).fence, 1);
    let row = store.ended(1).await;
    assert_eq!(
        (row.status, row.fence, row.attempt),
        (RunStatus::Complete, 2, 2)
    );
}

#[tokio::test(start_paused = true)]
async fn a_run_whose_runners_keep_dying_is_given_up() {
    let store = Memory::new();
    store.add(1);
    for owner in ["first", "second", "third"] {
        let claimed = store.claim(owner, seconds(15)).await.unwrap();
        assert!(claimed.is_some());
        sleep(seconds(15)).await;
    }
    let providers = provider(|_| async { panic!("must not be executed again") });
    let _running = Runner::new(store.clone(), providers).start();
    let row = store.ended(1).await;
    assert_eq!(row.status, RunStatus::Failed);
    assert_eq!(row.last_words(), "gave up after 3 interrupted attempts");
}

#[tokio::test(start_paused = true)]
async fn the_last_attempt_is_still_executed() {
    let store = Memory::new();
    store.add(1);
    for owner in ["first", "second"] {
        assert!(store.claim(owner, seconds(15)).await.unwrap().is_some());
        sleep(seconds(15)).await;
    }
    let _running = Runner::new(store.clone(), slow(Duration::ZERO)).start();
    let row = store.ended(1).await;
    assert_eq!((row.status, row.attempt), (RunStatus::Complete, 3));
}

#[tokio::test(start_paused = true)]
async fn a_stop_reaches_the_provider_and_cancels_the_run() {
    let store = Memory::new();
    store.add(1);
    let cleaned_up = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&cleaned_up);
    let providers = provider(move |task: AgentTask| {
        let seen = Arc::clone(&seen);
        async move {
            task.cancel.cancelled().await;
            sleep(seconds(1)).await;
            seen.fetch_add(1, Ordering::SeqCst);
            Err(ProviderError::Cancelled)
        }
    });
    let _running = Runner::new(store.clone(), providers).start();
    sleep(seconds(20)).await;
    assert_eq!(store.row(1).status, RunStatus::Active);
    store.change(1, |row| row.stop = true);
    sleep(seconds(7)).await;
    let row = store.row(1);
    assert_eq!(row.status, RunStatus::Cancelled);
    assert_eq!(row.last_words(), "the run was stopped");
    assert_eq!(cleaned_up.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_run_stopped_while_nobody_had_it_is_not_executed() {
    let store = Memory::new();
    store.add(1);
    store.change(1, |row| row.stop = true);
    let providers = provider(|_| async { panic!("must not be executed") });
    let _running = Runner::new(store.clone(), providers).start();
    assert_eq!(store.ended(1).await.status, RunStatus::Cancelled);
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_ignores_a_stop_is_dropped() {
    let store = Memory::new();
    store.add(1);
    let _running = Runner::new(store.clone(), slow(seconds(3_000))).start();
    store.change(1, |row| row.stop = true);
    sleep(seconds(12)).await;
    assert_eq!(store.row(1).status, RunStatus::Cancelled);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_lets_runs_finish_within_its_grace() {
    let store = Memory::new();
    for id in 1..=3 {
        store.add(id);
    }
    let running = Runner::new(store.clone(), slow(seconds(4))).start();
    sleep(seconds(1)).await;
    running.shutdown(seconds(10)).await;
    assert_eq!(store.row(1).status, RunStatus::Complete);
    assert_eq!(store.row(2).status, RunStatus::Complete);
    // Claimed nothing more.
    assert_eq!(store.row(3).fence, 0);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_puts_back_what_does_not_finish_and_the_next_start_continues_it() {
    let store = Memory::new();
    store.add(1);
    for restart in 1..=5 {
        let providers = provider(|task: AgentTask| async move {
            task.journal.action("begin", json!({}), json!({})).await?;
            sleep(seconds(1_000)).await;
            Ok(Answer::new("", ""))
        });
        let running = Runner::new(store.clone(), providers).start();
        sleep(seconds(1)).await;
        running.shutdown(seconds(2)).await;
        let row = store.row(1);
        assert_eq!(row.status, RunStatus::Pending);
        assert_eq!((row.fence, row.attempt), (restart, 1));
    }
    let _running = Runner::new(store.clone(), slow(Duration::ZERO)).start();
    let row = store.ended(1).await;
    assert_eq!(row.status, RunStatus::Complete);
    assert_eq!(
        row.kinds(),
        "ACTION ACTION ACTION ACTION ACTION FINAL_ANSWER"
    );
}

#[tokio::test(start_paused = true)]
async fn dropping_the_runner_puts_its_runs_back() {
    let store = Memory::new();
    store.add(1);
    let running = Runner::new(store.clone(), slow(seconds(1_000))).start();
    sleep(seconds(1)).await;
    assert_eq!(store.row(1).status, RunStatus::Active);
    drop(running);
    sleep(seconds(6)).await;
    assert_eq!(store.row(1).status, RunStatus::Pending);
}
