use codegen_api::model::{
    AgentRun, AgentRunLog, CreateAgentRun, Organization, Repository, ResumeAgentRun, User,
};
use codegen_api::server::{
    CreateRun, Delivery, Listing, OrgScope, Principal, ResumeRun, RunFilter, Store, StoreError,
    TokenDigest, Window,
};

use crate::SqliteStore;
use crate::error::store_error;

impl Store for SqliteStore {
    async fn ping(&self) -> Result<(), StoreError> {
        // A table, not only `SELECT 1`: that one does not touch the file.
        sqlx::query("SELECT id FROM organizations LIMIT 1")
            .fetch_optional(&self.readers)
            .await
            .map(|_| ())
            .map_err(store_error)
    }

    async fn principal(&self, token: &TokenDigest) -> Result<Option<Principal>, StoreError> {
        self.find_principal(token).await.map_err(store_error)
    }

    async fn current_user(&self, principal: &Principal) -> Result<Option<User>, StoreError> {
        self.find_current_user(principal.user_id())
            .await
            .map_err(store_error)
    }

    async fn organizations(
        &self,
        principal: &Principal,
        window: Window,
    ) -> Result<Listing<Organization>, StoreError> {
        self.list_organizations(principal, window)
            .await
            .map_err(store_error)
    }

    async fn users(&self, scope: &OrgScope, window: Window) -> Result<Listing<User>, StoreError> {
        self.list_users(scope, window).await.map_err(store_error)
    }

    async fn user(&self, scope: &OrgScope, user_id: i64) -> Result<Option<User>, StoreError> {
        self.find_user(scope, user_id).await.map_err(store_error)
    }

    async fn repositories(
        &self,
        scope: &OrgScope,
        window: Window,
    ) -> Result<Listing<Repository>, StoreError> {
        self.list_repositories(scope, window)
            .await
            .map_err(store_error)
    }

    async fn create_run(
        &self,
        scope: &OrgScope,
        run: CreateAgentRun,
    ) -> Result<CreateRun, StoreError> {
        self.insert_run(scope, run).await.map_err(store_error)
    }

    async fn run(&self, scope: &OrgScope, run_id: i64) -> Result<Option<AgentRun>, StoreError> {
        self.find_run(scope, run_id).await.map_err(store_error)
    }

    async fn runs(
        &self,
        scope: &OrgScope,
        filter: RunFilter,
        window: Window,
    ) -> Result<Listing<AgentRun>, StoreError> {
        self.list_runs(scope, filter, window)
            .await
            .map_err(store_error)
    }

    async fn resume_run(
        &self,
        scope: &OrgScope,
        resume: ResumeAgentRun,
    ) -> Result<Option<ResumeRun>, StoreError> {
        self.resume(scope, resume).await.map_err(store_error)
    }

    async fn run_logs(
        &self,
        scope: &OrgScope,
        run_id: i64,
        window: Window,
        reverse: bool,
    ) -> Result<Option<(AgentRun, Listing<AgentRunLog>)>, StoreError> {
        self.list_logs(scope, run_id, window, reverse)
            .await
            .map_err(store_error)
    }

    async fn record_delivery(&self, delivery: Delivery) -> Result<bool, StoreError> {
        self.insert_delivery(delivery).await.map_err(store_error)
    }
}

impl SqliteStore {
    async fn insert_delivery(&self, delivery: Delivery) -> Result<bool, sqlx::Error> {
        let mut tx = self.write().await?;
        let inserted = sqlx::query(
            "INSERT INTO webhook_deliveries (id, event, payload, received_at) \
             VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO NOTHING",
        )
        .bind(delivery.id)
        .bind(delivery.event)
        .bind(&delivery.payload[..])
        .bind(self.clock.now())
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(inserted.rows_affected() == 1)
    }
}
