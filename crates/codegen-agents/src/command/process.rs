use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::ProviderError;

/// How long output is read after the whole process group was killed: what is in the pipes takes
/// no time, and a pipe still open then is held by a process that left the group.
const DRAIN_LIMIT: Duration = Duration::from_secs(1);

/// What a program that ended by itself left.
pub(super) struct Output {
    pub(super) status: ExitStatus,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
}

/// Runs a command to its end or to `stop`. When this returns, its process group is dead.
pub(super) async fn run(
    mut command: Command,
    input: &str,
    limit: usize,
    stop: &CancellationToken,
) -> Result<Output, ProviderError> {
    let program = super::file_name(command.as_std().get_program());
    let mut child = command
        .process_group(0)
        .kill_on_drop(true)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| not_started(program, error))?;
    let mut group = Group::led_by(&child);
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (mut printed, mut complained) = (Vec::new(), Vec::new());
    let status = {
        let pipes = async {
            tokio::try_join!(
                feed(stdin, input.as_bytes()),
                read(stdout, &mut printed, limit),
                read(stderr, &mut complained, limit),
            )
        };
        let mut pipes = std::pin::pin!(pipes);
        let mut pipes_closed = false;
        let status = loop {
            tokio::select! {
                status = child.wait() => break status.map_err(ProviderError::io("wait for the program")),
                closed = &mut pipes, if !pipes_closed => match closed {
                    Ok(_) => pipes_closed = true,
                    Err(error) => break Err(error),
                },
                () = stop.cancelled() => break Err(ProviderError::Cancelled),
            }
        };
        group.kill();
        match status {
            Ok(status) if pipes_closed => Ok(status),
            Ok(status) => match timeout(DRAIN_LIMIT, pipes).await {
                Ok(Err(error)) => Err(error),
                Ok(Ok(_)) | Err(_) => Ok(status),
            },
            Err(error) => {
                // Killed, so this is short; it must be gone before its directory is removed.
                let _ = child.wait().await;
                Err(error)
            }
        }
    }?;
    Ok(Output {
        status,
        stdout: printed,
        stderr: complained,
    })
}

fn not_started(program: String, error: io::Error) -> ProviderError {
    if error.kind() == io::ErrorKind::NotFound {
        ProviderError::ProgramNotFound { program }
    } else {
        ProviderError::io("start the program")(error)
    }
}

/// A program need not read its input: a closed pipe is no error.
async fn feed(stdin: Option<ChildStdin>, input: &[u8]) -> Result<(), ProviderError> {
    let Some(mut stdin) = stdin else {
        return Ok(());
    };
    match stdin.write_all(input).await {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(ProviderError::io("write the prompt to the program")(error))
        }
        _ => Ok(()),
    }
}

async fn read(
    pipe: Option<impl AsyncRead + Unpin>,
    into: &mut Vec<u8>,
    limit: usize,
) -> Result<(), ProviderError> {
    let Some(mut pipe) = pipe else {
        return Ok(());
    };
    let mut chunk = vec![0; 8 << 10];
    loop {
        let read = pipe
            .read(&mut chunk)
            .await
            .map_err(ProviderError::io("read from the program"))?;
        if read == 0 {
            return Ok(());
        }
        into.extend_from_slice(&chunk[..read]);
        if into.len() > limit {
            return Err(ProviderError::OutputLimit { limit });
        }
    }
}

/// A process group that ends with this value.
struct Group(Option<Pid>);

impl Group {
    fn led_by(child: &Child) -> Self {
        let leader = child.id().and_then(|id| i32::try_from(id).ok());
        Self(leader.and_then(Pid::from_raw))
    }

    /// Once only. The number stays reserved while the group has members, and is free for somebody
    /// else's group some time after the last one is gone.
    fn kill(&mut self) {
        if let Some(group) = self.0.take() {
            // An error says that the group has no member left.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}
