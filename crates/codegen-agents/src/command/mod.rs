mod diff;
mod process;
mod scratch;

use std::ffi::{OsStr, OsString};
use std::future::Future;
use std::path::Path;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use serde_json::json;
use tokio::process::Command;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tower_service::Service;

use self::process::Output;
use self::scratch::Scratch;
use crate::{AgentTask, Answer, ProviderError};

/// Variables a program needs to run and to print text, none of which tells a secret.
const ALLOWED_ENV: [&str; 5] = ["PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ"];

/// Bytes of each output stream that go into the log; the answer has all of it.
const LOGGED_OUTPUT: usize = 8 << 10;

/// Runs a program with the prompt on standard input, in a scratch copy of the repository.
///
/// The answer is what it printed on standard output, and the difference it made to the copy as a
/// unified diff. The repository itself is not touched. Unix only.
///
/// - **Copy.** Without `.git` and what the tree's ignore files name; hidden files are copied.
///   Symbolic links are copied when they are relative and stay inside the tree. There are two
///   copies, one to work in and one to compare with, so that somebody who edits the repository
///   meanwhile doesn't appear in the diff.
/// - **Environment.** Only `PATH`, `LANG`, `LC_ALL`, `LC_CTYPE`, `TZ` and what
///   [`allow_env`](Self::allow_env) names are passed on. `HOME` and `TMPDIR` are directories of
///   their own beside the copy: neither configuration nor credentials of the server's user are
///   found there.
/// - **End.** The program leads a process group of its own, and all of the group is killed when
///   the program has ended, at the time limit, at the output limit, on cancellation, and when the
///   future is dropped. Then the copies are removed.
///
/// It is not a sandbox: the program runs as the server's user and may do what that user may. One
/// that leaves its process group on purpose is not found again. When the server itself is killed,
/// the group is not, and the copies stay behind in the system's directory for temporary files,
/// under names that start with `codegen-run-`.
///
/// # Cost
///
/// Twice the repository on disk; memory for the output, and for the text files that differ, one at
/// a time.
#[derive(Clone)]
pub struct CommandProvider {
    program: OsString,
    args: Vec<OsString>,
    allowed_env: Vec<OsString>,
    time_limit: Duration,
    output_limit: usize,
    copy_limit: u64,
}

impl CommandProvider {
    /// Runs `program`: an absolute path, a name that is looked up in `PATH`, or a path that
    /// contains a slash and is meant inside the copy.
    #[must_use]
    pub fn new(program: impl Into<OsString>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            allowed_env: Vec::new(),
            time_limit: Duration::from_secs(600),
            output_limit: 1 << 20,
            copy_limit: 256 << 20,
        }
    }

    /// One argument more.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Passes one more variable of the server's environment on, if it is set.
    #[must_use]
    pub fn allow_env(mut self, name: impl Into<OsString>) -> Self {
        self.allowed_env.push(name.into());
        self
    }

    /// How long copying, running and comparing may take together, before the run ends with
    /// [`ProviderError::Timeout`]. Default 10 min: enough for a build of a large tree.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// How many bytes each of standard output, standard error and the diff may have, before the
    /// run ends with [`ProviderError::OutputLimit`]. Default 1 MiB: all of it is stored with the
    /// run.
    #[must_use]
    pub fn output_limit(mut self, bytes: usize) -> Self {
        self.output_limit = bytes;
        self
    }

    /// How many bytes the copied files may have together, before the run ends with
    /// [`ProviderError::RepositoryTooLarge`]. Default 256 MiB.
    #[must_use]
    pub fn copy_limit(mut self, bytes: u64) -> Self {
        self.copy_limit = bytes;
        self
    }

    async fn answer(
        &self,
        task: &AgentTask,
        scratch: &Scratch,
        stop: &CancellationToken,
    ) -> Result<Answer, ProviderError> {
        let output =
            process::run(self.command(scratch), &task.prompt, self.output_limit, stop).await?;
        let program = file_name(&self.program);
        tokio::select! {
            written = task.journal.action(
                "command",
                json!({ "program": program, "repository": task.repository.name }),
                logged(&output),
            ) => written?,
            () = stop.cancelled() => return Err(ProviderError::Cancelled),
        }
        if !output.status.success() {
            return Err(ProviderError::Exit(output.status));
        }
        let (base, work) = (scratch.base(), scratch.work());
        let (limit, token) = (self.output_limit, stop.clone());
        let diff = join(spawn_blocking(move || {
            diff::diff(&base, &work, limit, &token)
        }))
        .await?;
        let printed = text(&output.stdout);
        let printed = printed.trim_end();
        let answer = Answer::new(
            if printed.is_empty() {
                "The program printed nothing."
            } else {
                printed
            },
            format!(
                "{program} printed {} lines and changed {} files",
                printed.lines().count(),
                diff.files
            ),
        );
        Ok(if diff.files == 0 {
            answer
        } else {
            answer.diff(diff.text)
        })
    }

    fn command(&self, scratch: &Scratch) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(&self.args)
            .current_dir(scratch.work())
            .env_clear();
        let allowed = ALLOWED_ENV.iter().map(OsStr::new);
        for name in allowed.chain(self.allowed_env.iter().map(OsString::as_os_str)) {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command
            .env("HOME", scratch.home())
            .env("TMPDIR", scratch.tmp());
        command
    }

    /// Owns the program and its copies to the end, also when nobody waits for the answer.
    async fn drive(
        self,
        task: AgentTask,
        stop: CancellationToken,
    ) -> Result<Answer, ProviderError> {
        let limit = self.time_limit;
        let work = async {
            let (root, copy_limit, token) =
                (task.repository.root.clone(), self.copy_limit, stop.clone());
            let scratch = join(spawn_blocking(move || {
                Scratch::copy(&root, copy_limit, &token)
            }))
            .await?;
            let answer = self.answer(&task, &scratch, &stop).await;
            // Removing a large tree takes a while.
            join(spawn_blocking(move || {
                scratch.remove();
                Ok(())
            }))
            .await?;
            answer
        };
        let mut work = pin!(work);
        tokio::select! {
            answer = &mut work => answer,
            () = sleep(limit) => {
                stop.cancel();
                match work.await {
                    Err(ProviderError::Cancelled) => Err(ProviderError::Timeout { limit }),
                    ended => ended,
                }
            }
        }
    }
}

/// Arguments may hold credentials: only their number is shown.
impl std::fmt::Debug for CommandProvider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CommandProvider")
            .field("program", &self.program)
            .field("args", &self.args.len())
            .field("allowed_env", &self.allowed_env)
            .field("time_limit", &self.time_limit)
            .field("output_limit", &self.output_limit)
            .field("copy_limit", &self.copy_limit)
            .finish()
    }
}

impl Service<AgentTask> for CommandProvider {
    type Response = Answer;
    type Error = ProviderError;
    type Future = Pin<Box<dyn Future<Output = Result<Answer, ProviderError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, task: AgentTask) -> Self::Future {
        let provider = self.clone();
        Box::pin(async move {
            let stop = task.cancel.child_token();
            let _guard = stop.clone().drop_guard();
            join(tokio::spawn(provider.drive(task, stop))).await
        })
    }
}

async fn join<T>(task: JoinHandle<Result<T, ProviderError>>) -> Result<T, ProviderError> {
    match task.await {
        Ok(result) => result,
        Err(error) if error.is_panic() => Err(ProviderError::Panicked),
        Err(_) => Err(ProviderError::Cancelled),
    }
}

/// A program for people: without its directory, which is the server's business.
fn file_name(program: &OsStr) -> String {
    Path::new(program)
        .file_name()
        .unwrap_or(program)
        .to_string_lossy()
        .into_owned()
}

fn logged(output: &Output) -> serde_json::Value {
    json!({
        "exit_code": output.status.code(),
        "status": output.status.to_string(),
        "stdout": text(head(&output.stdout)),
        "stderr": text(head(&output.stderr)),
        "stdout_bytes": output.stdout.len(),
        "stderr_bytes": output.stderr.len(),
    })
}

fn head(output: &[u8]) -> &[u8] {
    output.get(..LOGGED_OUTPUT).unwrap_or(output)
}

/// Not every database takes a NUL in a text.
fn text(output: &[u8]) -> String {
    String::from_utf8_lossy(output).replace('\0', "\u{fffd}")
}
