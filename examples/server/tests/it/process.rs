//! The program as a process, and the waiting for it. Every wait here has an end.

use std::{
    ffi::{OsStr, OsString},
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use codegen_api::{
    client::Client,
    config::ClientConfig,
    model::{AgentRun, AgentRunLog, AgentType, MessageType, RunStatus},
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    process::{Child, ChildStdout, Command},
    task::JoinHandle,
    time::{sleep, timeout},
};

/// Far beyond what anything here takes, also on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A command line of the server.
///
/// Everything it starts has temporary files of its own, because a killed server leaves some.
pub(crate) struct Launch {
    program: OsString,
    before: Vec<OsString>,
    arguments: Vec<OsString>,
    environment: Vec<(&'static str, OsString)>,
    temporary: Arc<TempDir>,
}

impl Launch {
    /// `--demo` on a free port.
    pub(crate) fn demo() -> Self {
        Self::bare().args(["--demo", "--listen", "127.0.0.1:0"])
    }

    /// No arguments at all.
    pub(crate) fn bare() -> Self {
        Self {
            program: env!("CARGO_BIN_EXE_server").into(),
            before: Vec::new(),
            arguments: Vec::new(),
            environment: Vec::new(),
            temporary: Arc::new(tempfile::tempdir().unwrap()),
        }
    }

    pub(crate) fn args(mut self, arguments: impl IntoIterator<Item: AsRef<OsStr>>) -> Self {
        let arguments = arguments.into_iter().map(|text| text.as_ref().to_owned());
        self.arguments.extend(arguments);
        self
    }

    pub(crate) fn database(self, file: &Path) -> Self {
        self.args(["--database", &sqlite(file)])
    }

    /// The tree is known as `fixture`, in place of the working directory.
    pub(crate) fn repository(self, tree: &TempDir) -> Self {
        let path = tree.path().display();
        self.args(["--repository", &format!("fixture={path}")])
    }

    pub(crate) fn env(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.environment.push((name, value.into()));
        self
    }

    /// Starts another program that becomes the server: whose command line follows `arguments`.
    pub(crate) fn through(mut self, program: &str, arguments: &[&str]) -> Self {
        self.before = arguments.iter().map(Into::into).collect();
        self.before
            .push(std::mem::replace(&mut self.program, program.into()));
        self
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(&self.before)
            .args(&self.arguments)
            .env_remove("GITHUB_WEBHOOK_SECRET")
            .env("TMPDIR", self.temporary.path())
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Starts a server that serves.
    pub(crate) async fn start(&self) -> Server {
        let mut child = self.command().spawn().unwrap();
        let logs = Logs::default();
        let mut stderr = child.stderr.take().unwrap();
        let kept = logs.clone();
        let logging = tokio::spawn(async move {
            let mut chunk = [0; 4096];
            while let Ok(read @ 1..) = stderr.read(&mut chunk).await {
                kept.0.lock().unwrap().extend_from_slice(&chunk[..read]);
            }
        });
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        let announced = timeout(PATIENCE, stdout.read_line(&mut line)).await;
        announced
            .unwrap_or_else(|_| panic!("no announcement: {logs}"))
            .unwrap();
        let announcement =
            serde_json::from_str(&line).unwrap_or_else(|_| panic!("announced {line:?}: {logs}"));
        Server {
            announcement,
            child,
            stdout,
            logs,
            logging,
            _temporary: Arc::clone(&self.temporary),
        }
    }

    /// Starts a server that must end by itself.
    pub(crate) async fn end(&self) -> Ended {
        let output = timeout(PATIENCE, self.command().output()).await;
        let output = output.expect("the program goes on").unwrap();
        Ended {
            status: output.status,
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// What a server wrote to standard error so far.
#[derive(Clone, Default)]
pub(crate) struct Logs(Arc<Mutex<Vec<u8>>>);

impl std::fmt::Display for Logs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0.lock().unwrap()))
    }
}

/// A server that serves.
pub(crate) struct Server {
    pub(crate) announcement: Value,
    pub(crate) logs: Logs,
    child: Child,
    stdout: BufReader<ChildStdout>,
    logging: JoinHandle<()>,
    _temporary: Arc<TempDir>,
}

/// A server that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    /// What came after the announcement, if there was one.
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Server {
    pub(crate) fn address(&self) -> SocketAddr {
        let base = self.announcement["base_url"].as_str().unwrap();
        base.strip_prefix("http://").unwrap().parse().unwrap()
    }

    pub(crate) fn text(&self, field: &str) -> &str {
        self.announcement[field].as_str().unwrap()
    }

    /// The first organization.
    pub(crate) fn organization(&self) -> i64 {
        self.announcement["org_id"].as_i64().unwrap()
    }

    /// The second organization.
    pub(crate) fn second_organization(&self) -> i64 {
        self.announcement["second_org_id"].as_i64().unwrap()
    }

    /// The first organization's client.
    pub(crate) fn client(&self) -> Client {
        self.client_of(self.text("token"))
    }

    /// A client that says at once what it was answered.
    pub(crate) fn client_of(&self, token: &str) -> Client {
        let config = ClientConfig::new(token)
            .unwrap()
            .base_url(self.text("base_url"))
            .unwrap()
            .rate(u32::MAX.try_into().unwrap(), Duration::from_secs(1))
            .breaker(u32::MAX.try_into().unwrap(), Duration::from_secs(1))
            .max_retries(0);
        Client::new(config).unwrap()
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id().expect("the server has ended")
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(self.id().try_into().unwrap()).unwrap()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Waits until it has ended.
    pub(crate) async fn ended(mut self) -> Ended {
        let status = timeout(PATIENCE, self.child.wait()).await;
        let status = status
            .unwrap_or_else(|_| panic!("the server goes on: {}", self.logs))
            .unwrap();
        let mut stdout = String::new();
        // A program of a run may hold the pipes longer than a killed server.
        let rest = self.stdout.read_to_string(&mut stdout);
        timeout(PATIENCE, rest).await.unwrap().unwrap();
        timeout(PATIENCE, self.logging).await.unwrap().unwrap();
        Ended {
            status,
            stdout,
            stderr: self.logs.to_string(),
        }
    }

    /// SIGTERM, and everything in order.
    pub(crate) async fn stop(self) -> Ended {
        self.signal(Signal::TERM);
        let ended = self.ended().await;
        assert!(ended.status.success(), "{ended:?}");
        assert_eq!(ended.stdout, "");
        ended
    }

    /// SIGKILL.
    pub(crate) async fn kill(self) {
        self.signal(Signal::KILL);
        assert!(!self.ended().await.status.success());
    }
}

pub(crate) fn sqlite(file: &Path) -> String {
    format!("sqlite:{}", file.display())
}

/// Asks until there is an answer.
pub(crate) async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let asking = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    let answer = timeout(PATIENCE, asking).await;
    answer.unwrap_or_else(|_| panic!("waited in vain: {what}"))
}

/// The run, once it has ended.
pub(crate) async fn end_of_run(client: &Client, organization: i64, id: i64) -> AgentRun {
    until(&format!("the end of run {id}"), async || {
        let run = client.run(organization, id).send().await.unwrap();
        run.is_final().then_some(run)
    })
    .await
}

/// The whole log of a run.
pub(crate) async fn log_of(client: &Client, organization: i64, id: i64) -> Vec<AgentRunLog> {
    let log = client.run_logs(organization, id).send().await.unwrap();
    assert_eq!(log.pages, Some(1));
    log.logs
}

/// The run has ended with an answer, and its log says so once, at its end.
pub(crate) async fn assert_answered_once(client: &Client, organization: i64, id: i64) {
    let run = end_of_run(client, organization, id).await;
    assert_eq!(run.status, Some(RunStatus::Complete), "{run:?}");
    let log = log_of(client, organization, id).await;
    let ends = |entry: &&AgentRunLog| {
        matches!(
            entry.message_type,
            Some(MessageType::FinalAnswer | MessageType::Error)
        )
    };
    assert_eq!(log.iter().filter(ends).count(), 1, "{log:?}");
    let last = log.last().and_then(|entry| entry.message_type.clone());
    assert_eq!(last, Some(MessageType::FinalAnswer), "{log:?}");
}

/// One request over a connection of its own: the whole answer, head and body.
pub(crate) async fn exchange(address: SocketAddr, request: &str) -> String {
    let talk = async {
        let mut connection = TcpStream::connect(address).await?;
        connection.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await?;
        Ok::<_, std::io::Error>(answer)
    };
    timeout(PATIENCE, talk).await.unwrap().unwrap()
}

/// A small source tree.
pub(crate) fn fixture() -> TempDir {
    let tree = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = tree.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write(
        "src/breaker.rs",
        "/// Lets a few probes through.\npub fn half_open(probes: u32) -> bool {\n    probes < 3\n}\n",
    );
    write("src/window.rs", "pub struct SlidingWindow;\n");
    write("notes.txt", "Remember the milk.\n");
    write(".ignore", "private/\n");
    write("private/half_open.rs", "pub fn half_open() {}\n");
    tree
}

/// A program for runs that works until its gate is opened.
pub(crate) struct Gate {
    place: TempDir,
}

impl Gate {
    pub(crate) fn closed() -> Self {
        let place = tempfile::tempdir().unwrap();
        // It ends by itself when it is left behind: with its place, or after a minute.
        let program = r#"
            echo $$ >"$1/started.$$"
            left=1200
            while [ ! -e "$1/open" ]; do
                [ -d "$1" ] && [ $((left -= 1)) -gt 0 ] || exit 1
                sleep 0.05
            done
            echo "the gate is open"
        "#;
        fs::write(place.path().join("program.sh"), program).unwrap();
        Self { place }
    }

    /// The value of `--command`.
    pub(crate) fn command(&self) -> String {
        let place = self.place.path().display();
        format!("sh {place}/program.sh {place}")
    }

    pub(crate) fn open(&self) {
        fs::write(self.place.path().join("open"), "").unwrap();
    }

    /// The process ids of the programs started so far.
    pub(crate) fn started(&self) -> Vec<u32> {
        let ids = fs::read_dir(self.place.path())
            .unwrap()
            .filter_map(|entry| {
                let path: PathBuf = entry.unwrap().path();
                let name = path.file_name()?.to_str()?;
                name.strip_prefix("started.")?.parse().ok()
            });
        ids.collect()
    }

    pub(crate) async fn wait_for_start(&self, programs: usize) -> Vec<u32> {
        until(&format!("{programs} programs at work"), async || {
            Some(self.started()).filter(|started| started.len() >= programs)
        })
        .await
    }
}

/// A run for the program of `--command`.
pub(crate) async fn start_command(client: &Client, organization: i64) -> i64 {
    let call = client.create_run(organization, "work");
    let run = call.agent_type(AgentType::ClaudeCode).send().await.unwrap();
    run.id
}
