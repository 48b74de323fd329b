use std::time::Duration;

use codegen_agents::{Claim, ClaimedRun, Lease, LogEntry, Outcome, Repository, RunStore, Written};
use codegen_api::server::StoreError;
use serde_json::Value;
use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, Row, SqliteConnection};

use crate::SqliteStore;
use crate::error::store_error;
use crate::time::micros;

impl RunStore for SqliteStore {
    type Error = StoreError;

    async fn claim(&self, owner: &str, lease: Duration) -> Result<Option<ClaimedRun>, StoreError> {
        self.take_run(owner, lease).await.map_err(store_error)
    }

    async fn heartbeat(&self, claim: Claim, lease: Duration) -> Result<Lease, StoreError> {
        self.renew_lease(claim, lease).await.map_err(store_error)
    }

    async fn append_log(&self, claim: Claim, entry: &LogEntry) -> Result<Written, StoreError> {
        self.append_entry(claim, entry).await.map_err(store_error)
    }

    async fn finish(&self, claim: Claim, outcome: &Outcome) -> Result<Written, StoreError> {
        self.end_run(claim, outcome).await.map_err(store_error)
    }

    async fn release(&self, claim: Claim) -> Result<Written, StoreError> {
        self.give_back(claim).await.map_err(store_error)
    }
}

impl SqliteStore {
    async fn take_run(
        &self,
        owner: &str,
        lease: Duration,
    ) -> Result<Option<ClaimedRun>, sqlx::Error> {
        let mut tx = self.write().await?;
        let now = self.clock.now();
        let claimed: Option<ClaimedRow> = sqlx::query_as(
            "UPDATE agent_runs SET \
                 attempt = CASE status WHEN 'ACTIVE' THEN attempt + 1 ELSE attempt END, \
                 status = 'ACTIVE', fence = fence + 1, owner = $1, lease_until = $2, \
                 updated_at = $3 \
             WHERE id = (SELECT id FROM agent_runs WHERE status IN ('PENDING', 'ACTIVE') \
                 AND (status = 'PENDING' OR (lease_until <= $3 AND owner <> $1)) \
                 ORDER BY id LIMIT 1) \
             RETURNING id, fence, organization_id, attempt, stop, agent_type, \
                 COALESCE(resume_prompt, prompt) AS prompt, \
                 (SELECT name FROM repositories r WHERE r.id = repository_id) AS name, \
                 (SELECT root FROM repositories r WHERE r.id = repository_id) AS root",
        )
        .bind(owner)
        .bind(now.saturating_add(micros(lease)))
        .bind(now)
        .fetch_optional(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(claimed.map(|ClaimedRow(run)| run))
    }

    async fn renew_lease(&self, claim: Claim, lease: Duration) -> Result<Lease, sqlx::Error> {
        let mut tx = self.write().await?;
        let now = self.clock.now();
        let stop: Option<bool> = sqlx::query_scalar(
            "UPDATE agent_runs SET lease_until = $1, updated_at = $2 \
             WHERE id = $3 AND fence = $4 AND status = 'ACTIVE' RETURNING stop",
        )
        .bind(now.saturating_add(micros(lease)))
        .bind(now)
        .bind(claim.run_id)
        .bind(claim.fence)
        .fetch_optional(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(match stop {
            None => Lease::Lost,
            Some(false) => Lease::Held,
            Some(true) => Lease::Stop,
        })
    }

    async fn append_entry(&self, claim: Claim, entry: &LogEntry) -> Result<Written, sqlx::Error> {
        let mut tx = self.write().await?;
        let written = insert_entry(&mut tx, claim, entry, self.clock.now()).await?;
        tx.commit().await?;
        Ok(written)
    }

    async fn end_run(&self, claim: Claim, outcome: &Outcome) -> Result<Written, sqlx::Error> {
        let mut tx = self.write().await?;
        let now = self.clock.now();
        // First the entry: it is refused once the run has ended.
        if insert_entry(&mut tx, claim, &outcome.entry, now).await? == Written::Fenced {
            return Ok(Written::Fenced);
        }
        sqlx::query(
            "UPDATE agent_runs SET status = $1, result = $2, summary = $3, updated_at = $4, \
                 owner = NULL, lease_until = NULL, stop = FALSE \
             WHERE id = $5",
        )
        .bind(outcome.status.as_str())
        .bind(outcome.result.as_deref())
        .bind(outcome.summary.as_deref())
        .bind(now)
        .bind(claim.run_id)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(Written::Done)
    }

    async fn give_back(&self, claim: Claim) -> Result<Written, sqlx::Error> {
        let mut tx = self.write().await?;
        let released = sqlx::query(
            "UPDATE agent_runs SET status = 'PENDING', owner = NULL, lease_until = NULL, \
                 updated_at = $1 \
             WHERE id = $2 AND fence = $3 AND status = 'ACTIVE'",
        )
        .bind(self.clock.now())
        .bind(claim.run_id)
        .bind(claim.fence)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(written(released.rows_affected()))
    }
}

/// Appends to the log of the run if it is `ACTIVE` under this claim.
async fn insert_entry(
    connection: &mut SqliteConnection,
    claim: Claim,
    entry: &LogEntry,
    now: i64,
) -> Result<Written, sqlx::Error> {
    let inserted = sqlx::query(
        "INSERT INTO run_logs (organization_id, agent_run_id, created_at, message_type, thought, \
             tool_name, tool_input, tool_output, observation) \
         SELECT organization_id, id, $3, $4, $5, $6, $7, $8, $9 FROM agent_runs \
         WHERE id = $1 AND fence = $2 AND status = 'ACTIVE'",
    )
    .bind(claim.run_id)
    .bind(claim.fence)
    .bind(now)
    .bind(entry.message_type.as_str())
    .bind(entry.thought.as_deref())
    .bind(entry.tool_name.as_deref())
    .bind(entry.tool_input.as_ref().map(Value::to_string))
    .bind(entry.tool_output.as_ref().map(Value::to_string))
    .bind(entry.observation.as_ref().map(Value::to_string))
    .execute(connection)
    .await?;
    Ok(written(inserted.rows_affected()))
}

fn written(rows: u64) -> Written {
    match rows {
        0 => Written::Fenced,
        _ => Written::Done,
    }
}

struct ClaimedRow(ClaimedRun);

impl FromRow<'_, SqliteRow> for ClaimedRow {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        let name: String = row.try_get("name")?;
        let root: Option<String> = row.try_get("root")?;
        Ok(Self(ClaimedRun {
            claim: Claim {
                run_id: row.try_get("id")?,
                fence: row.try_get("fence")?,
            },
            organization_id: row.try_get("organization_id")?,
            attempt: u32::try_from(row.try_get::<i64, _>("attempt")?).unwrap_or(u32::MAX),
            stop: row.try_get("stop")?,
            prompt: row.try_get("prompt")?,
            agent_type: row.try_get("agent_type")?,
            repository: root.map(|root| Repository::new(name, root)),
        }))
    }
}
