use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use codegen_agents::{
    Claim, ClaimedRun, Lease, LogEntry, Outcome, Repository, RunStatus, RunStore, Written,
};
use tokio::time::Instant;

/// The contract of `RunStore` in its shortest form. A clone is another connection to the same
/// runs, which can be cut on its own.
#[derive(Clone)]
pub(crate) struct Memory {
    runs: Arc<Mutex<BTreeMap<i64, Row>>>,
    cut: Arc<AtomicBool>,
    panic: Arc<AtomicBool>,
    lose_answer: Arc<AtomicBool>,
}

#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) status: RunStatus,
    pub(crate) fence: i64,
    pub(crate) attempt: u32,
    pub(crate) stop: bool,
    pub(crate) log: Vec<LogEntry>,
    pub(crate) result: Option<String>,
    pub(crate) summary: Option<String>,
    /// How often it was ended; the point of it all is that this is never 2.
    pub(crate) ends: u32,
    owner: String,
    lease_ends: Instant,
    agent_type: Option<String>,
    repository: Option<Repository>,
}

impl Row {
    /// `ACTION ACTION FINAL_ANSWER`.
    pub(crate) fn kinds(&self) -> String {
        let kinds: Vec<&str> = self
            .log
            .iter()
            .map(|entry| entry.message_type.as_str())
            .collect();
        kinds.join(" ")
    }

    /// What the last entry says.
    pub(crate) fn last_words(&self) -> String {
        let observation = self.log.last().and_then(|entry| entry.observation.as_ref());
        observation
            .and_then(|observation| observation.as_str())
            .unwrap_or_default()
            .to_owned()
    }
}

#[derive(Debug)]
pub(crate) struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("database is locked")
    }
}

impl std::error::Error for Cut {}

impl Memory {
    pub(crate) fn new() -> Self {
        Self {
            runs: Arc::default(),
            cut: Arc::default(),
            panic: Arc::default(),
            lose_answer: Arc::default(),
        }
    }

    pub(crate) fn another_connection(&self) -> Self {
        Self {
            runs: Arc::clone(&self.runs),
            cut: Arc::default(),
            panic: Arc::default(),
            lose_answer: Arc::default(),
        }
    }

    pub(crate) fn cut(&self, cut: bool) {
        self.cut.store(cut, Ordering::SeqCst);
    }

    /// The next log entry makes the store panic.
    pub(crate) fn panic_once(&self) {
        self.panic.store(true, Ordering::SeqCst);
    }

    /// The next claim that takes a run does so without telling.
    pub(crate) fn lose_answer_once(&self) {
        self.lose_answer.store(true, Ordering::SeqCst);
    }

    pub(crate) fn add(&self, id: i64) {
        self.add_for(id, None);
    }

    pub(crate) fn add_for(&self, id: i64, agent_type: Option<&str>) {
        let row = Row {
            status: RunStatus::Pending,
            fence: 0,
            attempt: 1,
            stop: false,
            log: Vec::new(),
            result: None,
            summary: None,
            ends: 0,
            owner: String::new(),
            lease_ends: Instant::now(),
            agent_type: agent_type.map(str::to_owned),
            repository: Some(Repository::new("demo", "/nowhere")),
        };
        self.lock().insert(id, row);
    }

    /// Changes a run behind the runner's back.
    pub(crate) fn change(&self, id: i64, change: impl FnOnce(&mut Row)) {
        change(self.lock().get_mut(&id).unwrap());
    }

    pub(crate) fn forget_repository(&self, id: i64) {
        self.change(id, |row| row.repository = None);
    }

    pub(crate) fn row(&self, id: i64) -> Row {
        self.lock()[&id].clone()
    }

    pub(crate) fn rows(&self) -> Vec<Row> {
        self.lock().values().cloned().collect()
    }

    /// Waits until a run has ended; with a paused clock this takes no time.
    pub(crate) async fn ended(&self, id: i64) -> Row {
        loop {
            let row = self.row(id);
            if row.status.is_final() {
                return row;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<i64, Row>> {
        self.runs.lock().unwrap()
    }

    fn connected(&self) -> Result<(), Cut> {
        if self.cut.load(Ordering::SeqCst) {
            Err(Cut)
        } else {
            Ok(())
        }
    }

    fn write(&self, claim: Claim, write: impl FnOnce(&mut Row)) -> Result<Written, Cut> {
        self.connected()?;
        let mut runs = self.lock();
        Ok(match runs.get_mut(&claim.run_id) {
            Some(row) if row.fence == claim.fence && row.status == RunStatus::Active => {
                write(row);
                Written::Done
            }
            _ => Written::Fenced,
        })
    }
}

impl RunStore for Memory {
    type Error = Cut;

    async fn claim(&self, owner: &str, lease: Duration) -> Result<Option<ClaimedRun>, Cut> {
        self.connected()?;
        let now = Instant::now();
        let mut runs = self.lock();
        let claimable = runs.iter_mut().find(|(_, row)| match row.status {
            RunStatus::Pending => true,
            RunStatus::Active => row.lease_ends <= now && row.owner != owner,
            _ => false,
        });
        let claimed = claimable.map(|(&run_id, row)| {
            if row.status == RunStatus::Active {
                row.attempt += 1;
            }
            row.status = RunStatus::Active;
            row.fence += 1;
            row.owner = owner.to_owned();
            row.lease_ends = now + lease;
            ClaimedRun {
                claim: Claim {
                    run_id,
                    fence: row.fence,
                },
                organization_id: 7,
                attempt: row.attempt,
                stop: row.stop,
                prompt: format!("prompt {run_id}"),
                agent_type: row.agent_type.clone(),
                repository: row.repository.clone(),
            }
        });
        if claimed.is_some() && self.lose_answer.swap(false, Ordering::SeqCst) {
            return Err(Cut);
        }
        Ok(claimed)
    }

    async fn heartbeat(&self, claim: Claim, lease: Duration) -> Result<Lease, Cut> {
        let mut stop = false;
        let written = self.write(claim, |row| {
            row.lease_ends = Instant::now() + lease;
            stop = row.stop;
        })?;
        Ok(match written {
            Written::Fenced => Lease::Lost,
            Written::Done if stop => Lease::Stop,
            Written::Done => Lease::Held,
        })
    }

    async fn append_log(&self, claim: Claim, entry: &LogEntry) -> Result<Written, Cut> {
        assert!(!self.panic.swap(false, Ordering::SeqCst), "on purpose");
        self.write(claim, |row| row.log.push(entry.clone()))
    }

    async fn finish(&self, claim: Claim, outcome: &Outcome) -> Result<Written, Cut> {
        self.write(claim, |row| {
            row.status = outcome.status;
            row.result.clone_from(&outcome.result);
            row.summary.clone_from(&outcome.summary);
            row.log.push(outcome.entry.clone());
            row.ends += 1;
        })
    }

    async fn release(&self, claim: Claim) -> Result<Written, Cut> {
        self.write(claim, |row| row.status = RunStatus::Pending)
    }
}
