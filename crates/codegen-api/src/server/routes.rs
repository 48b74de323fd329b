//! The operations of the contract, each a few lines over the store.

use std::sync::Arc;

use axum::{
    Extension,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, header};
use serde::Serialize;
use tower_request_metrics::Stats;

use super::{
    ServerConfig,
    error::{ApiError, Issue, NO_REPOSITORIES, RUN_NOT_FOUND, USER_NOT_FOUND},
    extract::{Json, ListQuery, LogQuery, RunId, RunQuery, Scope, UserId},
    principal::Principal,
    store::{CreateRun, Listing, ResumeRun, RunFilter, Store, Window},
};
use crate::model::{
    AgentRun, AgentRunWithLogs, CreateAgentRun, Page, PageNumbers, ResumeAgentRun, RunStatus,
};

/// What every handler sees.
pub(crate) struct App<St> {
    pub(crate) store: St,
    pub(crate) config: ServerConfig,
    pub(crate) stats: Stats,
}

type Shared<St> = State<Arc<App<St>>>;
pub(crate) type Answer = Result<Response, ApiError>;

/// Who belongs where changes rarely: a caller may look again after this many seconds.
const MEMBERSHIP_MAX_AGE: HeaderValue = HeaderValue::from_static("private, max-age=10");

/// What is polled to see it change.
pub(crate) const NEVER: HeaderValue = HeaderValue::from_static("no-store");

pub(crate) fn json<T: Serialize>(value: &T, cache_control: HeaderValue) -> Answer {
    let body = serde_json::to_vec(value).map_err(|error| {
        tracing::error!(%error, "an answer could not be written");
        ApiError::Internal
    })?;
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        ),
        (header::CACHE_CONTROL, cache_control),
    ];
    Ok((headers, body).into_response())
}

fn page<T: Serialize>(listing: Listing<T>, window: Window, cache_control: HeaderValue) -> Answer {
    let numbers = PageNumbers::new(window.skip, window.limit, listing.total);
    let page = Page {
        items: listing.items,
        numbers,
    };
    json(&page, cache_control)
}

impl<St> App<St> {
    /// A run as this server shows it: with its address, and the configured word for complete.
    fn present(&self, mut run: AgentRun) -> AgentRun {
        let (organization, id) = (run.organization_id, run.id);
        run.web_url = Some(format!(
            "{}/v1/organizations/{organization}/agent/run/{id}",
            self.config.public_url
        ));
        if run.status == Some(RunStatus::Complete) {
            run.status = Some(RunStatus::Other(self.config.complete_word.clone()));
        }
        run
    }

    fn check_prompt(&self, prompt: &str) -> Result<(), ApiError> {
        if self.config.refuse_empty_prompts && prompt.trim().is_empty() {
            let msg = "String should have at least 1 character";
            let issue = Issue::new("body", "prompt", msg, "string_too_short");
            return Err(ApiError::Invalid(vec![issue]));
        }
        Ok(())
    }
}

pub(crate) async fn current_user<St: Store>(
    State(app): Shared<St>,
    Extension(principal): Extension<Principal>,
) -> Answer {
    let user = app.store.current_user(&principal).await?;
    json(
        &user.ok_or(ApiError::NotFound(USER_NOT_FOUND))?,
        MEMBERSHIP_MAX_AGE,
    )
}

pub(crate) async fn organizations<St: Store>(
    State(app): Shared<St>,
    Extension(principal): Extension<Principal>,
    ListQuery(window): ListQuery,
) -> Answer {
    let listing = app.store.organizations(&principal, window).await?;
    page(listing, window, MEMBERSHIP_MAX_AGE)
}

pub(crate) async fn users<St: Store>(
    State(app): Shared<St>,
    Scope(scope): Scope,
    ListQuery(window): ListQuery,
) -> Answer {
    page(
        app.store.users(&scope, window).await?,
        window,
        MEMBERSHIP_MAX_AGE,
    )
}

pub(crate) async fn user<St: Store>(
    State(app): Shared<St>,
    Scope(scope): Scope,
    UserId(id): UserId,
) -> Answer {
    let user = app.store.user(&scope, id).await?;
    json(
        &user.ok_or(ApiError::NotFound(USER_NOT_FOUND))?,
        MEMBERSHIP_MAX_AGE,
    )
}

pub(crate) async fn repositories<St: Store>(
    State(app): Shared<St>,
    Scope(scope): Scope,
    ListQuery(window): ListQuery,
) -> Answer {
    let listing = app.store.repositories(&scope, window).await?;
    page(listing, window, MEMBERSHIP_MAX_AGE)
}

pub(crate) async fn create_run<St: Store>(
    State(app): Shared<St>,
    Scope(scope): Scope,
    Json(run): Json<CreateAgentRun>,
) -> Answer {
    app.check_prompt(&run.prompt)?;
    match app.store.create_run(&scope, run).await? {
        CreateRun::Created(run) => {
            (app.config.on_pending_run)();
            json(&app.present(*run), NEVER)
        }
        CreateRun::NoRepository => Err(ApiError::NotFound(NO_REPOSITORIES)),
    }
}

pub(crate) async fn run<St: Store>(
    State(app): Shared<St>,
    Scope(scope): Scope,
    RunId(id): RunId,
) -> Answer {
    let run = app.store.run(&scope, id).await?;
    json(
        &app.present(run.ok_or(ApiError::NotFound(RUN_NOT_FOUND))?),
        NEVER,
    )
}

pub(crate) async fn runs<St: Store>(
    State(app): Shared<St>,
    Scope(scope): Scope,
    query: RunQuery,
) -> Answer {
    let filter = RunFilter {
        user_id: query.user_id,
        source_type: query.source_type,
    };
    let mut listing = app.store.runs(&scope, filter, query.window).await?;
    listing.items = listing
        .items
        .into_iter()
        .map(|run| app.present(run))
        .collect();
    page(listing, query.window, NEVER)
}

pub(crate) async fn resume_run<St: Store>(
    State(app): Shared<St>,
    Scope(scope): Scope,
    Json(resume): Json<ResumeAgentRun>,
) -> Answer {
    app.check_prompt(&resume.prompt)?;
    match app.store.resume_run(&scope, resume).await? {
        None => Err(ApiError::NotFound(RUN_NOT_FOUND)),
        Some(ResumeRun::Resumed(run)) => {
            (app.config.on_pending_run)();
            json(&app.present(*run), NEVER)
        }
        Some(ResumeRun::StillRunning) => {
            let msg = "The run has not ended yet";
            let issue = Issue::new("body", "agent_run_id", msg, "run_not_ended");
            Err(ApiError::Invalid(vec![issue]))
        }
    }
}

pub(crate) async fn run_logs<St: Store>(
    State(app): Shared<St>,
    Scope(scope): Scope,
    RunId(id): RunId,
    LogQuery { window, reverse }: LogQuery,
) -> Answer {
    let found = app.store.run_logs(&scope, id, window, reverse).await?;
    let (run, listing) = found.ok_or(ApiError::NotFound(RUN_NOT_FOUND))?;
    let numbers = PageNumbers::new(window.skip, window.limit, listing.total);
    let run = AgentRunWithLogs::new(app.present(run), listing.items, numbers);
    json(&run, NEVER)
}
