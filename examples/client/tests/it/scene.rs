use std::process::{Output, Stdio};

use clap::Parser;
use codegen_api::{
    client::Client,
    config::ClientConfig,
    model::{AgentRun, AgentType},
};
use serde_json::Value;
use server::{Arguments, RunningServer, start};
use tempfile::TempDir;
use tokio::process::Command;

/// A server with a repository `house`, whose runs of type `claude_code` execute their prompt with
/// `sh`.
pub(crate) struct Scene {
    directory: TempDir,
    server: RunningServer,
    token: String,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self::with(directory, None).await
    }

    /// A server over `database.sqlite` of this directory.
    pub(crate) async fn over(directory: TempDir, token: String) -> Self {
        Self::with(directory, Some(token)).await
    }

    async fn with(directory: TempDir, token: Option<String>) -> Self {
        let tree = directory.path().join("house");
        std::fs::create_dir(&tree).unwrap();
        std::fs::write(tree.join("door.rs"), "pub fn open_door() {}\n").unwrap();
        let house = format!("house={}", tree.display());
        let file = format!(
            "sqlite:{}",
            directory.path().join("database.sqlite").display()
        );
        let mut line = vec!["server", "--listen", "127.0.0.1:0", "--no-rate-limits"];
        line.extend(["--command", "sh", "--drain", "0", "--database", &file]);
        if token.is_none() {
            line.extend(["--demo", "--repository", &house]);
        }
        let server = start(Arguments::try_parse_from(line).unwrap())
            .await
            .unwrap();
        let demo = || server.demo().unwrap().token.clone();
        Self {
            token: token.unwrap_or_else(demo),
            directory,
            server,
        }
    }

    /// The program with these words, and nothing in its environment but where the server is.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_client"));
        command
            .args(words)
            .env_clear()
            .env("CODEGEN_API_BASE_URL", self.base_url())
            .env("CODEGEN_API_TOKEN", &self.token)
            .env("CODEGEN_MAX_RETRIES", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    pub(crate) async fn client(&self, words: &[&str]) -> Ended {
        self.command(words).output().await.unwrap().into()
    }

    /// A run that executes `script`.
    pub(crate) async fn script(&self, script: &str) -> AgentRun {
        let config = ClientConfig::new(&self.token).unwrap();
        let client = Client::new(config.base_url(&self.base_url()).unwrap()).unwrap();
        let run = client
            .create_run(1, script)
            .agent_type(AgentType::ClaudeCode);
        run.send().await.unwrap()
    }

    /// A script that goes on until [`finish`](Self::finish).
    pub(crate) fn endless(&self) -> String {
        let flag = self.directory.path().join("flag");
        format!(
            "while [ ! -e {} ]; do sleep 0.02; done; echo done",
            flag.display()
        )
    }

    /// The id of a run that goes on until [`finish`](Self::finish).
    pub(crate) async fn long_run(&self) -> String {
        self.script(&self.endless()).await.id.to_string()
    }

    pub(crate) fn finish(&self) {
        std::fs::write(self.directory.path().join("flag"), "").unwrap();
    }

    fn base_url(&self) -> String {
        format!("http://{}", self.server.address())
    }
}

/// What the program left behind.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// The lines of standard output, each a JSON value.
    pub(crate) fn objects(&self) -> Vec<Value> {
        let lines = self.stdout.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// The one line of standard error, as JSON.
    pub(crate) fn error(&self) -> Value {
        let line: Value = serde_json::from_str(&self.stderr).unwrap();
        assert_eq!(self.stderr.lines().count(), 1);
        line["error"].clone()
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            status: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}
