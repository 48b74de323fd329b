//! Pages, filters, order.

use serde_json::{Value, json};

use super::fixture::{App, World, get, post};

async fn list(app: &App, token: &str, target: &str) -> Value {
    get(target).bearer(token).to(app).await.expect(200).json()
}

fn ids(page: &Value) -> Vec<i64> {
    let items = page["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| item["id"].as_i64().unwrap())
        .collect()
}

fn numbers(page: &Value) -> [i64; 4] {
    ["total", "page", "size", "pages"].map(|name| page[name].as_i64().unwrap())
}

#[tokio::test]
async fn pages_cut_a_list_into_parts_newest_first_and_are_empty_past_its_end() {
    let world = World::new().await;
    let app = world.app();
    let mut runs = Vec::new();
    for n in 0..5 {
        runs.push(world.start_run(&app, &n.to_string()).await);
    }
    runs.reverse();
    let page = async |query: &str| {
        let page = list(
            &app,
            &world.ada_token,
            &world.acme(&format!("agent/runs{query}")),
        )
        .await;
        (ids(&page), numbers(&page))
    };
    assert_eq!(page("").await, (runs.clone(), [5, 1, 100, 1]));
    assert_eq!(page("?limit=2").await, (runs[..2].to_vec(), [5, 1, 2, 3]));
    assert_eq!(
        page("?skip=2&limit=2").await,
        (runs[2..4].to_vec(), [5, 2, 2, 3])
    );
    assert_eq!(
        page("?skip=4&limit=2").await,
        (runs[4..].to_vec(), [5, 3, 2, 3])
    );
    assert_eq!(
        page("?limit=1&skip=4").await,
        (runs[4..].to_vec(), [5, 5, 1, 5])
    );
    assert_eq!(page("?skip=5&limit=100").await, (vec![], [5, 1, 100, 1]));
    let huge = i64::MAX;
    assert_eq!(
        page(&format!("?skip={huge}&limit=1")).await,
        (vec![], [5, huge, 1, 5])
    );
}

#[tokio::test]
async fn every_list_knows_the_five_numbers_and_their_limits() {
    let world = World::new().await;
    let app = world.app();
    let run = world.start_run(&app, "x").await;
    let logs = format!("agent/run/{run}/logs");
    for path in [
        "/v1/organizations".to_owned(),
        world.acme("users"),
        world.acme("repos"),
        world.acme("agent/runs"),
        world.acme(&logs),
    ] {
        let empty = list(
            &app,
            &world.ada_token,
            &format!("{path}?skip=1000&limit=10"),
        )
        .await;
        let (items, total) = match path.ends_with("/logs") {
            true => ("logs", "total_logs"),
            false => ("items", "total"),
        };
        assert_eq!(empty[items], json!([]), "{path}");
        assert_eq!((&empty["page"], &empty["size"]), (&json!(101), &json!(10)));
        assert_eq!(
            empty["pages"],
            i64::from(empty[total].as_i64().unwrap() > 0)
        );

        for (query, issue) in [
            ("skip=-1", "query.skip greater_than_equal"),
            ("limit=0", "query.limit greater_than_equal"),
            ("limit=-5", "query.limit greater_than_equal"),
            ("limit=101", "query.limit less_than_equal"),
            ("limit=abc", "query.limit int_parsing"),
            ("limit=", "query.limit int_parsing"),
            ("limit=1.5", "query.limit int_parsing"),
            ("skip=9223372036854775808", "query.skip int_parsing"),
            ("skip=%FF", "query.skip int_parsing"),
            ("limit=1&limit=500", "query.limit less_than_equal"),
        ] {
            let wrong = get(format!("{path}?{query}")).bearer(&world.ada_token);
            assert_eq!(wrong.to(&app).await.issues(), [issue], "{path}?{query}");
        }
        let both = get(format!("{path}?limit=x&skip=y")).bearer(&world.ada_token);
        assert_eq!(both.to(&app).await.issues().len(), 2);
        let unknown = format!("{path}?page=7&size=%00&=&&;&limit=100&%FF=%FF&cursor");
        list(&app, &world.ada_token, &unknown).await;
    }
}

#[tokio::test]
async fn runs_are_filtered_by_who_started_them_and_from_where() {
    let world = World::new().await;
    let app = world.app();
    let of_ada = world.start_run(&app, "x").await;
    let of_bo = post(world.acme("agent/run"), &json!({"prompt": "y"})).bearer(&world.bo_token);
    let of_bo = of_bo.to(&app).await.json()["id"].as_i64().unwrap();
    let runs = async |query: String| {
        let page = list(
            &app,
            &world.ada_token,
            &world.acme(&format!("agent/runs?{query}")),
        )
        .await;
        assert_eq!(page["total"], ids(&page).len());
        ids(&page)
    };
    assert_eq!(runs(format!("user_id={}", world.ada)).await, [of_ada]);
    assert_eq!(runs(format!("user_id={}", world.bo)).await, [of_bo]);
    assert_eq!(runs("user_id=999".to_owned()).await, [0; 0]);
    assert_eq!(runs("source_type=API".to_owned()).await, [of_bo, of_ada]);
    assert_eq!(
        runs(format!("source_type=API&user_id={}", world.bo)).await,
        [of_bo]
    );
    for known in [
        "LOCAL",
        "SLACK",
        "GITHUB",
        "GITHUB_CHECK_SUITE",
        "GITHUB_PR_REVIEW",
        "LINEAR",
        "CHAT",
        "JIRA",
        "CLICKUP",
        "MONDAY",
        "SETUP_COMMANDS",
    ] {
        assert_eq!(runs(format!("source_type={known}")).await, [0; 0]);
    }
    for (query, issue) in [
        ("source_type=WISH", "query.source_type enum"),
        ("source_type=api", "query.source_type enum"),
        ("source_type=", "query.source_type enum"),
        ("source_type=%FF", "query.source_type enum"),
        ("user_id=me", "query.user_id int_parsing"),
    ] {
        let wrong = get(world.acme(&format!("agent/runs?{query}"))).bearer(&world.ada_token);
        assert_eq!(wrong.to(&app).await.issues(), [issue]);
    }
}

#[tokio::test]
async fn logs_read_forwards_and_backwards() {
    let world = World::new().await;
    let app = world.app();
    let run = world.start_run(&app, "x").await;
    world.finish_a_run().await;
    let kinds = async |query: &str| {
        let alpha = world.acme(&format!("agent/run/{run}/logs?{query}"));
        let alpha = alpha.replacen("/v1", "/v1/alpha", 1);
        let answer = list(&app, &world.bo_token, &alpha).await;
        let logs = answer["logs"].as_array().unwrap();
        assert_eq!(answer["total_logs"], 2);
        let kind = |log: &Value| log["message_type"].as_str().unwrap().to_owned();
        logs.iter().map(kind).collect::<Vec<_>>()
    };
    assert_eq!(kinds("").await, ["ACTION", "FINAL_ANSWER"]);
    assert_eq!(kinds("reverse=false").await, ["ACTION", "FINAL_ANSWER"]);
    assert_eq!(kinds("reverse=true").await, ["FINAL_ANSWER", "ACTION"]);
    assert_eq!(kinds("reverse=True&limit=1").await, ["FINAL_ANSWER"]);
    assert_eq!(kinds("reverse=1&skip=1").await, ["ACTION"]);
    let wrong = get(world.acme(&format!("agent/run/{run}/logs?reverse=maybe&limit=0")));
    let wrong = wrong.bearer(&world.bo_token).to(&app).await;
    assert_eq!(
        wrong.issues(),
        [
            "query.limit greater_than_equal",
            "query.reverse bool_parsing"
        ]
    );
}
