use std::{
    env,
    io::{self, Write},
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
};

use super::server::secret;
use crate::error::{Error, Result};

/// A server that lives no longer than this value, nor than this process.
///
/// It is the child of a shell that waits for a pipe to close (`guard.sh`): dropping this closes
/// it, and so does the end of this process in whatever way, which no `Drop` and no signal handler
/// could promise. The shell has a process group of its own, so that Ctrl-C reaches the tests and
/// not it.
#[derive(Debug)]
pub(super) struct Guard {
    shell: Child,
}

/// What a guard is to run.
#[derive(Debug)]
pub(super) struct Guarded<'a> {
    /// For the name of its folder.
    pub(super) name: &'a str,
    /// Who is to own the folder, if not we.
    pub(super) owner: Option<&'a str>,
    /// What makes it stop without waiting for its clients.
    pub(super) signal: &'a str,
    /// Runs in a folder of its own, with the password in the file `password`.
    pub(super) command: Command,
    pub(super) password: &'a str,
}

impl Guard {
    pub(super) fn start(guarded: &Guarded<'_>) -> Result<Self> {
        let folder = env::temp_dir().join(format!("xtask-{}-{}", guarded.name, secret()));
        let mut shell = Command::new("/bin/sh")
            .args(["-c", include_str!("guard.sh"), "guard"])
            .arg(folder)
            .args([guarded.owner.unwrap_or_default(), guarded.signal])
            .arg(guarded.command.get_program())
            .args(guarded.command.get_args())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Where it would tell that the server it stopped was stopped.
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(Error::because("cannot start /bin/sh"))?;
        if let Some(pipe) = &mut shell.stdin {
            // Not as an argument, which everybody could read. If the shell has ended already, its
            // last words say why.
            let _ = writeln!(pipe, "{}", guarded.password);
        }
        Ok(Self { shell })
    }

    /// The server's last words, if it has ended.
    pub(super) fn last_words(&mut self) -> Result<Option<String>> {
        let cannot = || Error::because("cannot watch a server");
        if self.shell.try_wait().map_err(cannot())?.is_none() {
            return Ok(None);
        }
        let words = self.shell.stdout.take().map(io::read_to_string);
        let words = words.transpose().map_err(cannot())?.unwrap_or_default();
        Ok(Some(words.trim().to_owned()))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        // There is nobody left to tell if this fails.
        let _ = self.shell.wait();
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        path::{Path, PathBuf},
    };

    use super::*;

    /// Guards a script, which is given a folder to leave traces in.
    fn guard(script: &str, traces: &Path) -> Guard {
        let mut command = Command::new("sh");
        command.args(["-c", script]).arg(traces);
        let guarded = Guarded {
            name: "test",
            owner: None,
            signal: "TERM",
            command,
            password: "open sesame",
        };
        Guard::start(&guarded).unwrap()
    }

    /// Waits for a line that the script writes; fails when it ends instead.
    fn line(guard: &mut Guard, file: &Path) -> String {
        loop {
            match fs::read_to_string(file) {
                Ok(line) if line.ends_with('\n') => return line.trim_end().to_owned(),
                _ => assert_eq!(guard.last_words().unwrap(), None),
            }
        }
    }

    #[test]
    fn a_guard_takes_server_and_folder_with_it() {
        let traces = tempfile::tempdir().unwrap();
        let script = r#"pwd >"$0/folder"; echo $$ >"$0/id"; exec sleep 1000"#;
        let mut guard = guard(script, traces.path());
        let id = line(&mut guard, &traces.path().join("id"));
        let folder = PathBuf::from(line(&mut guard, &traces.path().join("folder")));
        let alive = || {
            let mut kill = Command::new("kill");
            kill.args(["-0", &id])
                .stderr(Stdio::null())
                .status()
                .unwrap()
                .success()
        };
        assert!(alive());
        assert_eq!(
            fs::read_to_string(folder.join("password")).unwrap(),
            "open sesame\n"
        );

        drop(guard);

        assert!(!alive());
        assert!(!folder.exists());
    }

    #[test]
    fn a_server_that_misses_the_first_signal_gets_another() {
        let traces = tempfile::tempdir().unwrap();
        let script = r#"
            trap 'seen=$((seen + 1))' TERM
            pwd >"$0/folder"
            while [ "${seen:-0}" -lt 2 ]; do sleep 0.05; done
        "#;
        let mut guard = guard(script, traces.path());
        let folder = PathBuf::from(line(&mut guard, &traces.path().join("folder")));
        drop(guard);
        assert!(!folder.exists());
    }

    #[test]
    fn the_last_words_of_a_server_that_ends_are_kept() {
        let traces = tempfile::tempdir().unwrap();
        let mut guard = guard(
            r#"pwd >"$0/folder"; echo port taken; exit 1"#,
            traces.path(),
        );
        let words = loop {
            if let Some(words) = guard.last_words().unwrap() {
                break words;
            }
        };
        assert_eq!(words, "port taken");
        let folder = fs::read_to_string(traces.path().join("folder")).unwrap();
        assert!(!Path::new(folder.trim_end()).exists());
    }
}
