//! Organizations with people in a real database, the server above it, and what it answered.

use std::{convert::Infallible, future::Future, time::Duration};

use axum::body::Body;
use bytes::Bytes;
use codegen_agents::{Answer as AgentAnswer, LogEntry, Outcome, RunStore, Written};
use codegen_api::server::{Role, ServerConfig, app};
use codegen_store::{NewUser, SqliteStore};
use http::{HeaderMap, Request, Response, request};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::{ServiceExt, util::BoxCloneService};

use super::shapes;

pub(crate) type App = BoxCloneService<Request<Body>, Response<Body>, Infallible>;

/// Ada administers all three organizations, Bo is a member of acme, Gus of globex. Of Ada
/// everything is known, of the others the name. `bare` has no repository.
pub(crate) struct World {
    pub(crate) store: SqliteStore,
    pub(crate) acme: i64,
    pub(crate) globex: i64,
    pub(crate) bare: i64,
    pub(crate) ada: i64,
    pub(crate) bo: i64,
    pub(crate) ada_token: String,
    pub(crate) bo_token: String,
    pub(crate) gus_token: String,
    pub(crate) app_repository: i64,
    pub(crate) globex_repository: i64,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::over(SqliteStore::open("sqlite::memory:").await.unwrap()).await
    }

    pub(crate) async fn over(store: SqliteStore) -> Self {
        let acme = store.create_organization("acme").await.unwrap();
        let globex = store.create_organization("globex").await.unwrap();
        let bare = store.create_organization("bare").await.unwrap();
        let mut ada = NewUser::new("ada");
        ada.github_user_id = Some("4711".to_owned());
        ada.email = Some("ada@acme.example".to_owned());
        ada.full_name = Some("Ada of Acme".to_owned());
        ada.avatar_url = Some("https://acme.example/ada.png".to_owned());
        let ada = store.create_user(ada).await.unwrap();
        let bo = store.create_user(NewUser::new("bo")).await.unwrap();
        let gus = store.create_user(NewUser::new("gus")).await.unwrap();
        for (organization, user, role) in [
            (acme, ada, Role::Admin),
            (globex, ada, Role::Admin),
            (bare, ada, Role::Admin),
            (acme, bo, Role::Member),
            (globex, gus, Role::Manager),
        ] {
            store.add_member(organization, user, role).await.unwrap();
        }
        let repository = |organization, owner: &'static str, name: &'static str| {
            let store = store.clone();
            async move {
                let id = store.register_repository(organization, owner, name, None);
                id.await.unwrap()
            }
        };
        Self {
            acme,
            globex,
            bare,
            ada,
            bo,
            ada_token: store.create_token(ada).await.unwrap(),
            bo_token: store.create_token(bo).await.unwrap(),
            gus_token: store.create_token(gus).await.unwrap(),
            app_repository: repository(acme, "acme", "app").await,
            globex_repository: {
                repository(acme, "acme", "site").await;
                repository(globex, "globex", "app").await
            },
            store,
        }
    }

    /// The server without rate limits.
    pub(crate) fn app(&self) -> App {
        self.app_with(|config| config)
    }

    pub(crate) fn app_with(&self, change: impl FnOnce(ServerConfig) -> ServerConfig) -> App {
        let config = ServerConfig::new("https://api.test/").rate_limits(false);
        BoxCloneService::new(app(self.store.clone(), change(config)).unwrap())
    }

    /// The server with its documented limits.
    pub(crate) fn limited_app(&self) -> App {
        self.app_with(|config| config.rate_limits(true))
    }

    /// A path below acme.
    pub(crate) fn acme(&self, rest: &str) -> String {
        format!("/v1/organizations/{}/{rest}", self.acme)
    }

    /// A path below globex.
    pub(crate) fn globex(&self, rest: &str) -> String {
        format!("/v1/organizations/{}/{rest}", self.globex)
    }

    /// Starts a run of acme as Ada; gives its id.
    pub(crate) async fn start_run(&self, app: &App, prompt: &str) -> i64 {
        let create = post(self.acme("agent/run"), &json!({"prompt": prompt}));
        let answer = create.bearer(&self.ada_token).to(app).await.expect(200);
        answer.json()["id"].as_i64().unwrap()
    }

    /// Works on the oldest run that is pending: one action, then the answer `done`.
    pub(crate) async fn finish_a_run(&self) {
        let lease = Duration::from_secs(60);
        let claimed = self.store.claim("tests", lease).await.unwrap().unwrap();
        let action = LogEntry::action("search", json!({"query": "x"}), json!({"hits": 2}));
        let action = action.thought("look first");
        let written = self.store.append_log(claimed.claim, &action).await.unwrap();
        assert_eq!(written, Written::Done);
        let outcome = Outcome::complete(AgentAnswer::new("done", "in short"));
        let written = self.store.finish(claimed.claim, &outcome).await.unwrap();
        assert_eq!(written, Written::Done);
    }

    /// How many runs acme has, as the database tells it.
    pub(crate) async fn runs(&self) -> i64 {
        let answer = get(self.acme("agent/runs")).bearer(&self.ada_token);
        let answer = answer.to(&self.app()).await.expect(200);
        answer.json()["total"].as_i64().unwrap()
    }
}

/// A request in the making.
pub(crate) struct Ask(request::Builder, Body);

pub(crate) fn get(target: impl AsRef<str>) -> Ask {
    ask("GET", target)
}

pub(crate) fn post(target: impl AsRef<str>, body: &Value) -> Ask {
    ask("POST", target)
        .header("content-type", "application/json")
        .body(body.to_string())
}

pub(crate) fn ask(method: &str, target: impl AsRef<str>) -> Ask {
    let builder = Request::builder().method(method).uri(target.as_ref());
    Ask(builder, Body::empty())
}

impl Ask {
    pub(crate) fn header(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        Self(self.0.header(name, value.as_ref()), self.1)
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    pub(crate) fn body(self, body: impl Into<Body>) -> Self {
        Self(self.0, body.into())
    }

    /// Sends it. Holds every answer to what holds for all of them.
    pub(crate) fn to(self, app: &App) -> impl Future<Output = Answer> + Send + use<> {
        let app = app.clone();
        async move { self.send(app).await }
    }

    async fn send(self, app: App) -> Answer {
        let request = self.0.body(self.1).unwrap();
        let head = *request.method() == http::Method::HEAD;
        let path = request.uri().path().to_owned();
        let (parts, body) = app.oneshot(request).await.unwrap().into_parts();
        let answer = Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: body.collect().await.unwrap().to_bytes(),
        };
        if path != "/metrics" || answer.status >= 400 {
            assert_eq!(answer.headers["content-type"], "application/json");
        }
        // What health says of a sick server is an answer, no refusal.
        if answer.status >= 400 && !head && path != "/v1/health" {
            shapes::is_envelope(&answer);
        }
        answer
    }
}

#[derive(Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// `Retry-After` in whole seconds.
    #[track_caller]
    pub(crate) fn retry_after(&self) -> u64 {
        self.headers["retry-after"]
            .to_str()
            .unwrap()
            .parse()
            .unwrap()
    }

    /// Where a 422 found something wrong, and what: `body.prompt missing`.
    #[track_caller]
    pub(crate) fn issues(&self) -> Vec<String> {
        assert_eq!(self.status, 422, "{self:?}");
        let detail = self.json()["detail"].clone();
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let issue = |issue: &Value| {
            let loc: Vec<_> = issue["loc"].as_array().unwrap().iter().map(text).collect();
            format!("{} {}", loc.join("."), text(&issue["type"]))
        };
        detail.as_array().unwrap().iter().map(issue).collect()
    }
}
