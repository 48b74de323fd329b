use std::fs;
use std::path::Path;

use codegen_agents::{AgentTask, Answer, Journal, LogEntry, ProviderError, Repository};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tower::{Service, ServiceExt};

/// A directory with these files.
pub(crate) fn tree(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (path, content) in files {
        write(dir.path(), path, content.as_bytes());
    }
    dir
}

pub(crate) fn write(root: &Path, path: &str, content: &[u8]) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

pub(crate) fn task(root: &Path, prompt: &str) -> (AgentTask, mpsc::Receiver<LogEntry>) {
    let (journal, log) = Journal::channel(8);
    let repository = Repository::new("demo", root);
    (AgentTask::new(prompt, repository, journal), log)
}

pub(crate) async fn ask<S>(provider: S, root: &Path, prompt: &str) -> Result<Answer, ProviderError>
where
    S: Service<AgentTask, Response = Answer, Error = ProviderError>,
{
    let (task, _log) = task(root, prompt);
    provider.oneshot(task).await
}
