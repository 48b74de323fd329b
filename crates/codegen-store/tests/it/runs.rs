use std::time::Duration;

use bytes::Bytes;
use codegen_agents::{Answer, LogEntry, Outcome, RunStore};
use codegen_api::model::{
    AgentType, CreateAgentRun, MessageType, ResumeAgentRun, RunStatus, SourceType,
};
use codegen_api::server::{CreateRun, Delivery, Principal, ResumeRun, Role, Store};
use serde_json::json;

use crate::house::{House, claim, create, logs, on_each_database, window};

on_each_database! {
    a_new_run_is_pending_and_reads_back_as_it_was_answered
    what_the_caller_sent_comes_back_unchanged
    a_run_for_a_user_that_does_not_exist_is_not_answered_as_stored
    a_run_that_has_not_ended_is_not_resumed
    a_resumed_run_is_pending_again_with_the_new_prompt
    logs_come_in_order_in_reverse_and_in_windows
    a_delivery_counts_once
    the_database_answers
}

async fn a_new_run_is_pending_and_reads_back_as_it_was_answered(house: House) {
    let House { store, acme, .. } = &house;
    let run = create(store, acme, "why?").await;
    assert_eq!(run.organization_id, acme.organization_id());
    assert_eq!(run.status, Some(RunStatus::Pending));
    assert_eq!(run.source_type, Some(SourceType::Api));
    assert_eq!(
        run.created_at.as_deref(),
        Some("2023-11-14T22:13:20.000000+00:00")
    );
    assert_eq!((run.result.as_ref(), run.summary.as_ref()), (None, None));
    house.clock.advance(Duration::from_secs(1));
    assert_eq!(store.run(acme, run.id).await.unwrap(), Some(run.clone()));
    assert_eq!(store.run(acme, run.id + 1).await.unwrap(), None);
    assert_eq!(logs(store, acme, run.id).await.total, 0);
}

async fn what_the_caller_sent_comes_back_unchanged(house: House) {
    let House { store, acme, .. } = &house;
    let prompt = "null \0 and '; DROP TABLE agent_runs; -- \u{1f980}\r\n";
    let mut request = CreateAgentRun::new(prompt);
    let metadata = json!({ "a": [1, 2.5, null, "\0"], "": { "$1": i64::MIN } });
    request.metadata = metadata.as_object().cloned();
    request.agent_type = Some(AgentType::Other("search".to_owned()));
    request.model = Some(String::new());
    request.images = Some(vec!["data:image/png;base64,AA==".to_owned()]);
    let CreateRun::Created(run) = store.create_run(acme, request).await.unwrap() else {
        panic!("not created")
    };
    assert_eq!(run.metadata.as_ref(), metadata.as_object());
    let claimed = claim(store).await.unwrap();
    assert_eq!(claimed.prompt, prompt);
    assert_eq!(claimed.agent_type.as_deref(), Some("search"));
    let outcome = Outcome::complete(Answer::new("\0a\u{1f980}", "'s"));
    let _ = store.finish(claimed.claim, &outcome).await.unwrap();
    let run = store.run(acme, run.id).await.unwrap().unwrap();
    assert_eq!(run.metadata.as_ref(), metadata.as_object());
    assert_eq!(run.result.as_deref(), Some("\0a\u{1f980}"));
    assert_eq!(run.summary.as_deref(), Some("'s"));
}

async fn a_run_for_a_user_that_does_not_exist_is_not_answered_as_stored(house: House) {
    let House { store, acme, .. } = &house;
    let ghost = Principal::new(i64::MAX, vec![(acme.organization_id(), Role::Admin)]);
    let scope = ghost.scope(acme.organization_id()).unwrap();
    let answer = store.create_run(&scope, CreateAgentRun::new("boo")).await;
    assert!(answer.is_err());
    assert!(store.create_token(i64::MAX).await.is_err());
    assert!(claim(store).await.is_none());
    create(store, acme, "the connection is still good").await;
}

async fn a_run_that_has_not_ended_is_not_resumed(house: House) {
    let House { store, acme, .. } = &house;
    let run = create(store, acme, "first").await;
    for _ in ["pending", "active"] {
        let answer = store
            .resume_run(acme, ResumeAgentRun::new(run.id, "second"))
            .await;
        assert_eq!(answer.unwrap(), Some(ResumeRun::StillRunning));
        claim(store).await;
    }
    assert_eq!(logs(store, acme, run.id).await.total, 0);
    let answer = store
        .resume_run(acme, ResumeAgentRun::new(run.id + 1, "second"))
        .await;
    assert_eq!(answer.unwrap(), None);
}

async fn a_resumed_run_is_pending_again_with_the_new_prompt(house: House) {
    let House {
        store, acme, clock, ..
    } = &house;
    let run = create(store, acme, "first").await;
    let before = claim(store).await.unwrap();
    clock.advance(crate::house::LEASE);
    let claimed = claim(store).await.unwrap();
    assert_eq!(claimed.attempt, 2);
    let outcome = Outcome::complete(Answer::new("done", "d"));
    let _ = store.finish(claimed.claim, &outcome).await.unwrap();

    for prompt in ["second", "third"] {
        let answer = store
            .resume_run(acme, ResumeAgentRun::new(run.id, prompt))
            .await;
        let Some(ResumeRun::Resumed(resumed)) = answer.unwrap() else {
            panic!("not resumed")
        };
        assert_eq!(*resumed, run, "as it was when it was new");
        let claimed = claim(store).await.unwrap();
        assert_eq!((claimed.prompt.as_str(), claimed.attempt), (prompt, 1));
        assert!(claimed.claim.fence > before.claim.fence);
        let _ = store.finish(claimed.claim, &outcome).await.unwrap();
    }
    let kinds: Vec<_> = logs(store, acme, run.id)
        .await
        .items
        .into_iter()
        .map(|log| (log.message_type.unwrap(), log.observation.unwrap()))
        .collect();
    assert_eq!(
        kinds,
        [
            (MessageType::FinalAnswer, json!("done")),
            (MessageType::UserMessage, json!("second")),
            (MessageType::FinalAnswer, json!("done")),
            (MessageType::UserMessage, json!("third")),
            (MessageType::FinalAnswer, json!("done")),
        ]
    );
}

async fn logs_come_in_order_in_reverse_and_in_windows(house: House) {
    let House {
        store, acme, clock, ..
    } = &house;
    let run = create(store, acme, "first").await;
    let claimed = claim(store).await.unwrap();
    for n in 0..5 {
        // The clock stands still for some of them: the order is that of writing.
        clock.advance(Duration::from_micros(n / 2));
        let entry = LogEntry::action("grep", json!({ "n": n }), json!("text")).thought("hm");
        let _ = store.append_log(claimed.claim, &entry).await.unwrap();
    }
    let numbers = async |skip, limit, reverse| {
        let found = store
            .run_logs(acme, run.id, window(skip, limit), reverse)
            .await;
        let (found, logs) = found.unwrap().unwrap();
        assert_eq!((found.id, logs.total), (run.id, 5));
        logs.items
            .iter()
            .map(|log| log.tool_input.as_ref().unwrap()["n"].as_i64().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(numbers(0, 100, false).await, [0, 1, 2, 3, 4]);
    assert_eq!(numbers(0, 100, true).await, [4, 3, 2, 1, 0]);
    assert_eq!(numbers(1, 2, false).await, [1, 2]);
    assert_eq!(numbers(1, 2, true).await, [3, 2]);
    assert_eq!(numbers(4, 2, false).await, [4]);

    let log = logs(store, acme, run.id).await.items.swap_remove(4);
    assert_eq!(log.agent_run_id, run.id);
    assert_eq!(
        log.created_at.as_deref(),
        Some("2023-11-14T22:13:20.000004+00:00")
    );
    assert_eq!(log.message_type, Some(MessageType::Action));
    assert_eq!(
        (log.tool_name.as_deref(), log.thought.as_deref()),
        (Some("grep"), Some("hm"))
    );
    assert_eq!(
        log.tool_output,
        json!({ "value": "text" }).as_object().cloned()
    );
    assert_eq!(log.observation, None);
}

async fn a_delivery_counts_once(house: House) {
    let delivery = Delivery {
        id: "72d3162e".to_owned(),
        event: "push".to_owned(),
        payload: Bytes::from_static(b"{\"\xff\":0}"),
    };
    assert!(house.store.record_delivery(delivery.clone()).await.unwrap());
    assert!(!house.store.record_delivery(delivery).await.unwrap());
}

async fn the_database_answers(house: House) {
    house.store.ping().await.unwrap();
    house.store.close().await;
    assert!(crate::house::is_unavailable(&house.store.ping().await));
}
