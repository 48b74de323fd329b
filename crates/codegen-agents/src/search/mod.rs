mod answer;
mod definition;
mod document;
mod engine;
mod kind;
mod line;
mod query;
mod rank;
mod words;

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tower_service::Service;

use self::answer::Answered;
use self::engine::Counts;
use self::query::Query;
use crate::{AgentTask, Answer, ProviderError, tree};

/// Answers a prompt from the source tree: the definitions and lines that match its words, ranked,
/// with the files and lines they stand at.
///
/// It understands words, not meaning: identifiers in any spelling (`half-open`, `HalfOpen`), the
/// plainest grammar (`rounded`, `round`), what is a definition, what is a comment, a test, a
/// document. A prompt that matches nothing is answered, too: nothing was found.
///
/// Ignore files inside the tree are honoured, hidden files are left out, symbolic links are not
/// followed. Binary files and files over 1 MiB are skipped. The same tree and prompt always give
/// the same answer.
///
/// # Cost
///
/// One walk on a blocking thread that reads every file once. Dropping the future ends it before
/// the next file. Memory: the largest file, and some hundred bytes for each matching file.
#[derive(Clone, Debug)]
pub struct SearchProvider {
    time_limit: Duration,
}

impl SearchProvider {
    /// A search that may take 30 s.
    #[must_use]
    pub fn new() -> Self {
        Self {
            time_limit: Duration::from_secs(30),
        }
    }

    /// How long a search may take before it ends with [`ProviderError::Timeout`]. Default 30 s:
    /// enough for some hundred thousand files on a slow disk.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }
}

impl Default for SearchProvider {
    fn default() -> Self {
        Self::new()
    }
}

impl Service<AgentTask> for SearchProvider {
    type Response = Answer;
    type Error = ProviderError;
    type Future = Pin<Box<dyn Future<Output = Result<Answer, ProviderError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, task: AgentTask) -> Self::Future {
        let limit = self.time_limit;
        Box::pin(async move {
            tokio::select! {
                // A limit that has passed, or a task that was cancelled, starts no walk.
                biased;
                () = task.cancel.cancelled() => Err(ProviderError::Cancelled),
                () = sleep(limit) => Err(ProviderError::Timeout { limit }),
                answer = answer(&task) => answer,
            }
        })
    }
}

async fn answer(task: &AgentTask) -> Result<Answer, ProviderError> {
    let cancel = task.cancel.child_token();
    // The walk cannot be aborted from outside: this tells it that nobody waits any more.
    let _guard = cancel.clone().drop_guard();
    let (prompt, root) = (task.prompt.clone(), task.repository.root.clone());
    let name = task.repository.name.clone();
    let searched = tokio::task::spawn_blocking(move || search(&prompt, &root, &cancel));
    let (query, counts, found) = match searched.await {
        Ok(searched) => searched?,
        Err(error) if error.is_panic() => return Err(ProviderError::Panicked),
        Err(_) => return Err(ProviderError::Cancelled),
    };
    let words: Vec<&str> = query
        .terms()
        .iter()
        .map(|term| term.spelling.as_str())
        .collect();
    let files: Vec<_> = found
        .places
        .iter()
        .map(|place| {
            // Two decimals: enough to compare, and short to read.
            let score = (place.score * 100.0).round() / 100.0;
            json!({ "path": tree::shown(&place.path), "score": score })
        })
        .collect();
    task.journal
        .action(
            "search",
            json!({ "repository": name, "terms": words }),
            json!({
                "files_searched": counts.searched,
                "files_matched": counts.matched,
                "files_skipped": counts.skipped,
                "best": files,
            }),
        )
        .await?;
    Ok(answer::write(&name, &query, &counts, &found))
}

fn search(
    prompt: &str,
    root: &Path,
    cancel: &CancellationToken,
) -> Result<(Query, Counts, Answered), ProviderError> {
    let query = Query::parse(prompt);
    let (counts, found) = if query.terms().is_empty() {
        (Counts::default(), Answered::default())
    } else {
        engine::search(root, &query, cancel)?
    };
    Ok((query, counts, found))
}
