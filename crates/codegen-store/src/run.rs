use codegen_api::model::{
    AgentRun, AgentRunLog, CreateAgentRun, MessageType, ResumeAgentRun, RunStatus, SourceType,
};
use codegen_api::server::{CreateRun, Listing, OrgScope, ResumeRun, RunFilter, Window};
use serde_json::{Map, Value};
use sqlx::sqlite::{Sqlite, SqliteRow};
use sqlx::{FromRow, Row, SqliteConnection, Transaction};

use crate::time::rfc3339;
use crate::{SqliteStore, json};

impl SqliteStore {
    pub(crate) async fn insert_run(
        &self,
        scope: &OrgScope,
        run: CreateAgentRun,
    ) -> Result<CreateRun, sqlx::Error> {
        let mut tx = self.write().await?;
        let now = self.clock.now();
        let repository: Option<i64> = sqlx::query_scalar(
            "SELECT id FROM repositories \
             WHERE organization_id = $1 AND (CAST($2 AS BIGINT) IS NULL OR id = $2) \
             ORDER BY id LIMIT 1",
        )
        .bind(scope.organization_id())
        .bind(run.repo_id)
        .fetch_optional(&mut *tx)
        .await?;
        let Some(repository) = repository else {
            return Ok(CreateRun::NoRepository);
        };
        let RunRow(run) = sqlx::query_as(
            "INSERT INTO agent_runs (organization_id, user_id, repository_id, source_type, \
                 status, prompt, images, metadata, model, agent_type, created_at, updated_at) \
             VALUES ($1, $2, $3, $4, 'PENDING', $5, $6, $7, $8, $9, $10, $10) \
             RETURNING id, organization_id, status, created_at, result, summary, source_type, \
                 metadata",
        )
        .bind(scope.organization_id())
        .bind(scope.user_id())
        .bind(repository)
        .bind(SourceType::Api.as_str())
        .bind(run.prompt)
        .bind(run.images.map(json::text))
        .bind(run.metadata.map(json::text))
        .bind(run.model)
        .bind(run.agent_type.as_ref().map(|kind| kind.as_str().to_owned()))
        .bind(now)
        .fetch_one(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(CreateRun::Created(Box::new(run)))
    }

    pub(crate) async fn find_run(
        &self,
        scope: &OrgScope,
        run_id: i64,
    ) -> Result<Option<AgentRun>, sqlx::Error> {
        let mut connection = self.readers.acquire().await?;
        select_run(&mut connection, scope, run_id).await
    }

    pub(crate) async fn list_runs(
        &self,
        scope: &OrgScope,
        filter: RunFilter,
        window: Window,
    ) -> Result<Listing<AgentRun>, sqlx::Error> {
        let source_type = filter.source_type.as_ref().map(SourceType::as_str);
        let mut tx = self.read().await?;
        let total = sqlx::query_scalar(
            "SELECT COUNT(*) FROM agent_runs WHERE organization_id = $1 \
                 AND (CAST($2 AS BIGINT) IS NULL OR user_id = $2) \
                 AND (CAST($3 AS TEXT) IS NULL OR source_type = $3)",
        )
        .bind(scope.organization_id())
        .bind(filter.user_id)
        .bind(source_type)
        .fetch_one(&mut *tx)
        .await?;
        let rows: Vec<RunRow> = sqlx::query_as(
            "SELECT id, organization_id, status, created_at, result, summary, source_type, \
                 metadata \
             FROM agent_runs WHERE organization_id = $1 \
                 AND (CAST($2 AS BIGINT) IS NULL OR user_id = $2) \
                 AND (CAST($3 AS TEXT) IS NULL OR source_type = $3) \
             ORDER BY id DESC LIMIT $4 OFFSET $5",
        )
        .bind(scope.organization_id())
        .bind(filter.user_id)
        .bind(source_type)
        .bind(window.limit)
        .bind(window.skip)
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        let items = rows.into_iter().map(|RunRow(run)| run).collect();
        Ok(Listing { items, total })
    }

    pub(crate) async fn resume(
        &self,
        scope: &OrgScope,
        resume: ResumeAgentRun,
    ) -> Result<Option<ResumeRun>, sqlx::Error> {
        let mut tx = self.write().await?;
        let now = self.clock.now();
        let Some(run) = select_run(&mut tx, scope, resume.agent_run_id).await? else {
            return Ok(None);
        };
        if !run.is_final() {
            return Ok(Some(ResumeRun::StillRunning));
        }
        sqlx::query(
            "INSERT INTO run_logs (organization_id, agent_run_id, created_at, message_type, \
                 observation) \
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(scope.organization_id())
        .bind(run.id)
        .bind(now)
        .bind(MessageType::UserMessage.as_str())
        .bind(json::text(resume.prompt.as_str()))
        .execute(&mut *tx)
        .await?;
        let RunRow(run) = sqlx::query_as(
            "UPDATE agent_runs SET status = 'PENDING', resume_prompt = $1, \
                 images = COALESCE($2, images), attempt = 1, stop = FALSE, result = NULL, \
                 summary = NULL, updated_at = $3 \
             WHERE organization_id = $4 AND id = $5 \
             RETURNING id, organization_id, status, created_at, result, summary, source_type, \
                 metadata",
        )
        .bind(resume.prompt)
        .bind(resume.images.map(json::text))
        .bind(now)
        .bind(scope.organization_id())
        .bind(run.id)
        .fetch_one(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(Some(ResumeRun::Resumed(Box::new(run))))
    }

    pub(crate) async fn list_logs(
        &self,
        scope: &OrgScope,
        run_id: i64,
        window: Window,
        reverse: bool,
    ) -> Result<Option<(AgentRun, Listing<AgentRunLog>)>, sqlx::Error> {
        let mut tx = self.read().await?;
        let Some(run) = select_run(&mut tx, scope, run_id).await? else {
            return Ok(None);
        };
        let logs = select_logs(&mut tx, scope, run_id, window, reverse).await?;
        tx.commit().await?;
        Ok(Some((run, logs)))
    }
}

async fn select_run(
    connection: &mut SqliteConnection,
    scope: &OrgScope,
    run_id: i64,
) -> Result<Option<AgentRun>, sqlx::Error> {
    let row: Option<RunRow> = sqlx::query_as(
        "SELECT id, organization_id, status, created_at, result, summary, source_type, metadata \
         FROM agent_runs WHERE organization_id = $1 AND id = $2",
    )
    .bind(scope.organization_id())
    .bind(run_id)
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|RunRow(run)| run))
}

async fn select_logs(
    tx: &mut Transaction<'static, Sqlite>,
    scope: &OrgScope,
    run_id: i64,
    window: Window,
    reverse: bool,
) -> Result<Listing<AgentRunLog>, sqlx::Error> {
    let total = sqlx::query_scalar(
        "SELECT COUNT(*) FROM run_logs WHERE organization_id = $1 AND agent_run_id = $2",
    )
    .bind(scope.organization_id())
    .bind(run_id)
    .fetch_one(&mut **tx)
    .await?;
    let page = if reverse {
        "SELECT agent_run_id, created_at, message_type, thought, tool_name, tool_input, \
             tool_output, observation \
         FROM run_logs WHERE organization_id = $1 AND agent_run_id = $2 \
         ORDER BY id DESC LIMIT $3 OFFSET $4"
    } else {
        "SELECT agent_run_id, created_at, message_type, thought, tool_name, tool_input, \
             tool_output, observation \
         FROM run_logs WHERE organization_id = $1 AND agent_run_id = $2 \
         ORDER BY id LIMIT $3 OFFSET $4"
    };
    let rows: Vec<LogRow> = sqlx::query_as(page)
        .bind(scope.organization_id())
        .bind(run_id)
        .bind(window.limit)
        .bind(window.skip)
        .fetch_all(&mut **tx)
        .await?;
    let items = rows.into_iter().map(|LogRow(log)| log).collect();
    Ok(Listing { items, total })
}

struct RunRow(AgentRun);

impl FromRow<'_, SqliteRow> for RunRow {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        let mut run = AgentRun::new(row.try_get("id")?, row.try_get("organization_id")?);
        run.status = Some(RunStatus::from(row.try_get::<&str, _>("status")?));
        run.created_at = Some(time(row, "created_at")?);
        run.result = row.try_get("result")?;
        run.summary = row.try_get("summary")?;
        run.source_type = Some(SourceType::from(row.try_get::<&str, _>("source_type")?));
        run.metadata = object(row, "metadata")?;
        Ok(Self(run))
    }
}

struct LogRow(AgentRunLog);

impl FromRow<'_, SqliteRow> for LogRow {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        let mut log = AgentRunLog::new(row.try_get("agent_run_id")?);
        log.created_at = Some(time(row, "created_at")?);
        log.message_type = Some(MessageType::from(row.try_get::<&str, _>("message_type")?));
        log.thought = row.try_get("thought")?;
        log.tool_name = row.try_get("tool_name")?;
        log.tool_input = object(row, "tool_input")?;
        log.tool_output = object(row, "tool_output")?;
        log.observation = json::column(row, "observation")?;
        Ok(Self(log))
    }
}

fn object(row: &SqliteRow, column: &str) -> Result<Option<Map<String, Value>>, sqlx::Error> {
    Ok(match json::column(row, column)? {
        Some(Value::Object(object)) => Some(object),
        _ => None,
    })
}

fn time(row: &SqliteRow, column: &str) -> Result<String, sqlx::Error> {
    rfc3339(row.try_get(column)?).map_err(|error| sqlx::Error::Decode(Box::new(error)))
}
