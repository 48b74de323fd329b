//! Whatever is sent, the server answers in its forms and never with a fault of its own.

use http::{HeaderName, HeaderValue, Uri};
use proptest::{
    collection::vec,
    prelude::*,
    sample::select,
    test_runner::{Config, TestRunner},
};
use serde_json::{Map, Value};
use tokio::runtime;

use super::{
    fixture::{World, ask, post},
    wire::Serving,
};

fn run<S: Strategy>(cases: u32, strategy: &S, mut check: impl FnMut(S::Value)) {
    let config = Config {
        failure_persistence: None,
        ..Config::with_cases(cases)
    };
    let check = std::cell::RefCell::new(&mut check);
    let checked = |value| {
        (check.borrow_mut())(value);
        Ok(())
    };
    if let Err(error) = TestRunner::new(config).run(strategy, checked) {
        panic!("{error}");
    }
}

fn runtime() -> runtime::Runtime {
    runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

fn escaped() -> impl Strategy<Value = String> {
    let byte = any::<u8>().prop_map(|byte| format!("%{byte:02x}"));
    vec(byte, 0..6).prop_map(|bytes| bytes.concat())
}

fn raw() -> impl Strategy<Value = String> {
    vec(any::<char>(), 0..8).prop_map(String::from_iter)
}

fn segment() -> impl Strategy<Value = String> {
    let known = select(vec![
        "v1",
        "api",
        "alpha",
        "organizations",
        "users",
        "me",
        "agent",
        "run",
        "runs",
        "resume",
        "logs",
        "repos",
        "health",
        "metrics",
        "webhooks",
        "github",
        "1",
        "2",
        "3",
        "-1",
        "..",
        "",
    ]);
    prop_oneof![6 => known.prop_map(str::to_owned), 1 => escaped(), 1 => raw()]
}

fn path() -> impl Strategy<Value = String> {
    let id = || {
        prop_oneof![
            Just("1".to_owned()),
            any::<i128>().prop_map(|n| n.to_string()),
            segment()
        ]
    };
    let known = (id(), id()).prop_flat_map(|(organization, id)| {
        let below = format!("/v1/organizations/{organization}");
        select(vec![
            format!("{below}/users/{id}"),
            format!("{below}/agent/run/{id}"),
            format!("{below}/agent/run/{id}/logs"),
            format!("{below}/agent/runs"),
            format!("{below}/agent/run"),
            format!("{below}/agent/run/resume"),
            "/v1/organizations".to_owned(),
        ])
    });
    let any = vec(segment(), 0..8).prop_map(|segments| format!("/{}", segments.join("/")));
    prop_oneof![2 => known, 1 => any]
}

fn query() -> impl Strategy<Value = String> {
    let name = select(vec![
        "skip",
        "limit",
        "reverse",
        "user_id",
        "source_type",
        "page",
        "",
    ]);
    let value = prop_oneof![
        any::<i128>().prop_map(|n| n.to_string()),
        (0..=101_i32).prop_map(|n| n.to_string()),
        select(vec!["true", "API", "1e9", "+", "", "0x1", " 5"]).prop_map(str::to_owned),
        escaped(),
        raw(),
    ];
    let pair = (name, value).prop_map(|(name, value)| format!("{name}={value}"));
    let any = prop_oneof![escaped(), raw()];
    vec(prop_oneof![3 => pair, 1 => any], 0..5).prop_map(|pairs| pairs.join("&"))
}

fn headers() -> impl Strategy<Value = Vec<(&'static str, Vec<u8>)>> {
    let name = select(vec![
        "authorization",
        "content-type",
        "content-length",
        "x-request-id",
        "cache-control",
        "accept",
        "host",
        "if-none-match",
        "range",
        "expect",
        "x-hub-signature-256",
        "cookie",
        "x-github-event",
        "transfer-encoding",
        "x-forwarded-for",
        "vary",
    ]);
    vec((name, vec(any::<u8>(), 0..40)), 0..6)
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    let name = || {
        prop_oneof![
            select(vec![
                "prompt",
                "images",
                "metadata",
                "repo_id",
                "model",
                "agent_type",
                "agent_run_id",
            ])
            .prop_map(str::to_owned),
            any::<String>(),
        ]
    };
    leaf.prop_recursive(4, 40, 8, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::from),
            vec((name(), inner), 0..8).prop_map(|fields| Value::Object(Map::from_iter(fields))),
        ]
    })
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(any::<u8>(), 0..60),
        json().prop_map(|value| value.to_string().into_bytes()),
        (json(), any::<prop::sample::Index>()).prop_map(|(value, cut)| {
            let mut text = value.to_string().into_bytes();
            text.truncate(cut.index(text.len()));
            text
        }),
    ]
}

#[test]
fn nothing_a_caller_sends_is_a_fault_of_the_server() {
    let runtime = runtime();
    let world = runtime.block_on(World::new());
    let secret = tower_webhook_hmac::Secret::new("s").unwrap();
    let app = world.app_with(|config| config.webhook_secrets(secret.into()));
    let method = select(vec![
        "GET", "GET", "POST", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "BREW",
    ]);
    let request = (method, path(), query(), headers(), body(), any::<bool>());
    run(
        1_000,
        &request,
        |(method, path, query, headers, body, known)| {
            let target = format!("{path}?{query}");
            // What is no address at all never gets past the connection.
            let target = target
                .parse::<Uri>()
                .map_or(path.escape_default().to_string(), |uri| uri.to_string());
            let Ok(_) = target.parse::<Uri>() else { return };
            let mut ask = ask(method, target);
            for (name, value) in headers {
                if HeaderValue::from_bytes(&value).is_ok() {
                    ask = ask.header(HeaderName::from_static(name).as_str(), value);
                }
            }
            if known {
                ask = ask.bearer(&world.ada_token);
            }
            // `to` holds the answer to its form.
            let answer = runtime.block_on(ask.body(body).to(&app));
            assert!(answer.status < 500, "{answer:?}");
            assert_ne!(answer.status, 415);
        },
    );
}

#[test]
fn a_body_is_stored_or_refused() {
    let runtime = runtime();
    let world = runtime.block_on(World::new());
    let app = world.app();
    let mut stored = 0;
    run(300, &json(), |value| {
        for path in ["agent/run", "agent/run/resume"] {
            let ask = post(world.acme(path), &value).bearer(&world.ada_token);
            let answer = runtime.block_on(ask.to(&app));
            assert!([200, 404, 422].contains(&answer.status), "{answer:?}");
            stored += i64::from(answer.status == 200);
        }
    });
    let prompts = (any::<String>(), vec((any::<String>(), json()), 0..4));
    run(200, &prompts, |(prompt, metadata)| {
        let metadata = Value::Object(Map::from_iter(metadata));
        let body = serde_json::json!({"prompt": prompt, "metadata": metadata});
        let ask = post(world.acme("agent/run"), &body).bearer(&world.ada_token);
        let answer = runtime.block_on(ask.to(&app)).expect(200);
        assert_eq!(answer.json()["metadata"], metadata);
        stored += 1;
    });
    assert_eq!(runtime.block_on(world.runs()), stored);
}

#[test]
fn no_bytes_on_the_wire_end_the_server() {
    let runtime = runtime();
    let world = runtime.block_on(World::new());
    let server = runtime.block_on(Serving::start(world.app(), std::time::Duration::ZERO));
    let line = select(vec![
        "GET /v1/health HTTP/1.1\r\n",
        "POST /v1/users/me HTTP/1.1\r\n",
        "host: x\r\n",
        "\r\n",
        "content-length: 5\r\n",
        "transfer-encoding: chunked\r\n",
        "5\r\nhello\r\n",
        "0\r\n\r\n",
        "connection: close\r\n",
        "expect: 100-continue\r\n",
        "connection: upgrade\r\n",
    ]);
    let piece = prop_oneof![
        2 => line.prop_map(|line| line.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 0..30),
    ];
    run(150, &vec(piece, 0..8), |pieces| {
        runtime.block_on(async {
            let mut wire = server.connect().await;
            wire.send(pieces.concat()).await;
            tokio::io::AsyncWriteExt::shutdown(&mut wire.stream)
                .await
                .unwrap();
            while let Some(answer) = wire.answer().await {
                assert!(answer.status < 500, "{answer:?}");
            }
        });
    });
    runtime.block_on(server.lives());
}
