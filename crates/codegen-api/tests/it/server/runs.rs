//! Starting and resuming runs, and the switches that bear on them.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use serde_json::json;

use super::fixture::{World, get, post};

#[tokio::test]
async fn a_finished_run_is_resumed_under_its_id() {
    let world = World::new().await;
    let app = world.app();
    let id = world.start_run(&app, "first").await;
    let resume = |prompt: &str| {
        let body = json!({"agent_run_id": id, "prompt": prompt, "images": null});
        post(world.acme("agent/run/resume"), &body).bearer(&world.bo_token)
    };
    let early = resume("too early").to(&app).await;
    assert_eq!(early.issues(), ["body.agent_run_id run_not_ended"]);

    world.finish_a_run().await;
    let resumed = resume("second").to(&app).await.expect(200).json();
    assert_eq!(
        (&resumed["id"], &resumed["status"]),
        (&json!(id), &json!("PENDING"))
    );
    world.finish_a_run().await;
    let logs = get(world.acme(&format!("agent/run/{id}/logs"))).bearer(&world.bo_token);
    let logs = logs.to(&app).await.json();
    let kinds: Vec<_> = logs["logs"].as_array().unwrap().iter().collect();
    assert_eq!(kinds.len(), 5);
    assert_eq!(kinds[2]["message_type"], "USER_MESSAGE");
    assert_eq!(kinds[2]["observation"], "second");
    assert_eq!(logs["status"], "COMPLETE");
}

#[tokio::test]
async fn what_is_not_there_is_404_with_its_own_words() {
    let world = World::new().await;
    let app = world.app();
    let id = world.start_run(&app, "x").await;
    let prompt = json!({"prompt": "x"});
    let elsewhere = json!({"prompt": "x", "repo_id": world.globex_repository});
    let nothing = json!({"prompt": "x", "agent_run_id": 999});
    let foreign = json!({"prompt": "x", "agent_run_id": id});
    let bare = format!("/v1/organizations/{}/agent/run", world.bare);
    let run = "Agent run not found.";
    let repository = "No repos found in the organization. Please add some repos and try again.";
    for (ask, message) in [
        (get(world.acme("users/999")), "User not found."),
        (get(world.acme("users/-1")), "User not found."),
        (get(world.acme("agent/run/999")), run),
        (get(world.acme("agent/run/999/logs")), run),
        // There, but in another organization of the same caller.
        (get(world.globex(&format!("agent/run/{id}"))), run),
        (get(world.globex(&format!("agent/run/{id}/logs"))), run),
        (post(world.globex("agent/run/resume"), &foreign), run),
        (
            get(world.globex(&format!("users/{}", world.bo))),
            "User not found.",
        ),
        (post(world.acme("agent/run/resume"), &nothing), run),
        (post(bare, &prompt), repository),
        (post(world.acme("agent/run"), &elsewhere), repository),
    ] {
        let answer = ask.bearer(&world.ada_token).to(&app).await.expect(404);
        assert_eq!(answer.json()["message"], message);
    }
    assert_eq!(world.runs().await, 1);
}

#[tokio::test]
async fn the_word_for_complete_is_the_operators_choice() {
    let world = World::new().await;
    let app = world.app_with(|config| config.complete_word("completed"));
    let id = world.start_run(&app, "x").await;
    world.finish_a_run().await;
    let status = async |path: String| {
        let answer = get(world.acme(&path))
            .bearer(&world.ada_token)
            .to(&app)
            .await;
        let answer = answer.expect(200).json();
        answer
            .pointer("/items/0/status")
            .unwrap_or(&answer["status"])
            .clone()
    };
    assert_eq!(status(format!("agent/run/{id}")).await, "completed");
    assert_eq!(status(format!("agent/run/{id}/logs")).await, "completed");
    assert_eq!(status("agent/runs".to_owned()).await, "completed");
    // Only that word: another state keeps its spelling.
    assert_ne!(world.start_run(&app, "y").await, id);
    assert_eq!(status("agent/runs".to_owned()).await, "PENDING");
}

#[tokio::test]
async fn empty_prompts_are_the_operators_choice() {
    let world = World::new().await;
    let (lenient, strict) = (
        world.app(),
        world.app_with(|config| config.refuse_empty_prompts(true)),
    );
    let id = world.start_run(&lenient, "x").await;
    world.finish_a_run().await;
    for prompt in ["", " \n\t\u{3000}"] {
        let create = json!({"prompt": prompt});
        let resume = json!({"prompt": prompt, "agent_run_id": id});
        for (path, body) in [("agent/run", &create), ("agent/run/resume", &resume)] {
            let ask = || post(world.acme(path), body).bearer(&world.ada_token);
            assert_eq!(
                ask().to(&strict).await.issues(),
                ["body.prompt string_too_short"]
            );
            ask().to(&lenient).await.expect(200);
        }
        world.finish_a_run().await;
        world.finish_a_run().await;
    }
    world.start_run(&strict, "x").await;
}

#[tokio::test]
async fn whoever_works_on_runs_is_woken_for_each_that_is_stored() {
    let world = World::new().await;
    let woken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&woken);
    let app = world.app_with(|config| {
        config.on_pending_run(move || {
            count.fetch_add(1, Ordering::Relaxed);
        })
    });
    let id = world.start_run(&app, "x").await;
    assert_eq!(woken.load(Ordering::Relaxed), 1);
    let resume = json!({"prompt": "y", "agent_run_id": id});
    let resume = || post(world.acme("agent/run/resume"), &resume).bearer(&world.ada_token);
    resume().to(&app).await.expect(422);
    post(world.acme("agent/run"), &json!({}))
        .bearer(&world.ada_token)
        .to(&app)
        .await;
    assert_eq!(woken.load(Ordering::Relaxed), 1);
    world.finish_a_run().await;
    resume().to(&app).await.expect(200);
    assert_eq!(woken.load(Ordering::Relaxed), 2);
}
