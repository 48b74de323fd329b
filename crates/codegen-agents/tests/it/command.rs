use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::Duration;

use codegen_agents::{Answer, CommandProvider, ProviderError};
use tokio::time::{sleep, timeout};
use tower::ServiceExt;

use crate::tree::{ask, task, tree, write};

/// Real programs are waited for this long before a test fails; nothing is measured.
const PATIENCE: Duration = Duration::from_secs(60);

fn shell(script: &str) -> CommandProvider {
    CommandProvider::new("sh")
        .arg("-c")
        .arg(script)
        .time_limit(PATIENCE)
}

async fn run(provider: CommandProvider, root: &Path) -> Result<Answer, ProviderError> {
    timeout(PATIENCE, ask(provider, root, "the prompt"))
        .await
        .unwrap()
}

/// Waits until the process is gone; a zombie is.
async fn gone(pid: &str) {
    let stat = format!("/proc/{}/stat", pid.trim());
    let alive = || {
        fs::read_to_string(&stat).is_ok_and(|stat| {
            let state = stat.rsplit(')').next().unwrap_or_default();
            !state.trim_start().starts_with('Z')
        })
    };
    timeout(PATIENCE, async {
        while alive() {
            sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .unwrap();
}

/// Waits for a file that a program writes, and reads it.
async fn written(path: &Path) -> String {
    timeout(PATIENCE, async {
        loop {
            match fs::read_to_string(path) {
                Ok(content) if content.ends_with('\n') => return content,
                _ => sleep(Duration::from_millis(10)).await,
            }
        }
    })
    .await
    .unwrap()
}

async fn absent(path: &Path) {
    timeout(PATIENCE, async {
        while path.exists() {
            sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_program_reads_the_prompt_and_its_output_is_the_answer() {
    let tree = tree(&[("a.txt", "one\n")]);
    let (task, mut log) = task(tree.path(), "the prompt");
    let provider = shell("cat; echo; ls -A; echo noise >&2");
    let answer = provider.oneshot(task).await.unwrap();
    assert_eq!(answer.text, "the prompt\na.txt");
    assert_eq!(answer.diff, None);
    assert_eq!(answer.summary, "sh printed 2 lines and changed 0 files");
    let entry = log.recv().await.unwrap();
    assert_eq!(entry.tool_name.as_deref(), Some("command"));
    assert_eq!(entry.tool_input.unwrap()["program"], "sh");
    let output = entry.tool_output.unwrap();
    assert_eq!(output["exit_code"], 0);
    assert_eq!(output["stdout"], "the prompt\na.txt\n");
    assert_eq!(output["stderr"], "noise\n");
}

#[tokio::test]
async fn the_diff_is_what_the_program_changed_and_the_repository_stays_as_it_was() {
    let tree = tree(&[
        (".gitignore", "target\n"),
        ("bin", "\0\u{1}"),
        ("edit.txt", "one\ntwo\nthree\n"),
        ("gone/file.txt", "bye\n"),
        ("run.sh", "#!/bin/sh\n"),
        ("same.txt", "same\n"),
        ("target/old", "old\n"),
    ]);
    let script = "
        sed -i s/two/2/ edit.txt
        rm -r gone
        printf new > new.txt
        printf '\\0\\2' > bin
        chmod +x run.sh
        touch same.txt
        test ! -e target && mkdir target && echo built > target/out
    ";
    let answer = run(shell(script), tree.path()).await.unwrap();
    let diff = answer.diff.unwrap();
    assert_eq!(
        diff,
        "\
diff --git a/bin b/bin
Binary files a/bin and b/bin differ
diff --git a/edit.txt b/edit.txt
--- a/edit.txt
+++ b/edit.txt
@@ -1,3 +1,3 @@
 one
-two
+2
 three
diff --git a/gone/file.txt b/gone/file.txt
deleted file mode 100644
--- a/gone/file.txt
+++ /dev/null
@@ -1 +0,0 @@
-bye
diff --git a/new.txt b/new.txt
new file mode 100644
--- /dev/null
+++ b/new.txt
@@ -0,0 +1 @@
+new
\\ No newline at end of file
diff --git a/run.sh b/run.sh
old mode 100644
new mode 100755
"
    );
    assert_eq!(answer.summary, "sh printed 0 lines and changed 5 files");
    let kept = fs::read_to_string(tree.path().join("edit.txt")).unwrap();
    assert_eq!(kept, "one\ntwo\nthree\n");
    assert!(tree.path().join("gone/file.txt").exists());
    assert!(!tree.path().join("new.txt").exists());
}

#[tokio::test]
async fn links_are_copied_only_when_they_stay_inside() {
    let outside = tree(&[("secret", "secret\n")]);
    let tree = tree(&[("dir/a", "a\n")]);
    let root = tree.path();
    symlink("dir/a", root.join("relative")).unwrap();
    symlink(root.join("dir/a"), root.join("absolute")).unwrap();
    symlink(outside.path(), root.join("outside")).unwrap();
    symlink("../../etc", root.join("dir/up")).unwrap();
    symlink("absent", root.join("dangling")).unwrap();
    let answer = run(shell("ls -A . dir; cat relative"), root).await.unwrap();
    assert_eq!(answer.text, ".:\ndir\nrelative\n\ndir:\na\na");
    assert_eq!(answer.diff, None);
}

#[tokio::test]
async fn a_directory_that_became_a_link_shows_nothing_from_behind_it() {
    let outside = tree(&[("a", "secret\n")]);
    let tree = tree(&[("dir/a", "mine\n")]);
    let script = format!("rm -r dir && ln -s {} dir", outside.path().display());
    let diff = run(shell(&script), tree.path())
        .await
        .unwrap()
        .diff
        .unwrap();
    assert!(diff.contains("new file mode 120000"), "{diff}");
    assert!(diff.contains("-mine"), "{diff}");
    assert!(!diff.contains("secret"), "{diff}");
}

#[tokio::test]
async fn the_environment_is_an_allow_list() {
    let tree = tree(&[]);
    // Cargo sets these for its tests, among dozens of others.
    let provider = shell("env").allow_env("CARGO_PKG_NAME");
    let answer = run(provider, tree.path()).await.unwrap();
    let names: Vec<&str> = answer
        .text
        .lines()
        .filter_map(|line| Some(line.split_once('=')?.0))
        .collect();
    assert!(names.contains(&"CARGO_PKG_NAME"));
    assert!(names.contains(&"PATH"));
    for name in &names {
        // The shell adds some of its own.
        let known = [
            "CARGO_PKG_NAME",
            "HOME",
            "LANG",
            "LC_ALL",
            "LC_CTYPE",
            "OLDPWD",
            "PATH",
            "PWD",
            "SHLVL",
            "TMPDIR",
            "TZ",
            "_",
        ];
        assert!(known.contains(name), "{name}");
    }
    let home = answer.text.lines().find(|line| line.starts_with("HOME="));
    assert!(home.unwrap().contains("/codegen-run-"), "{home:?}");
}

#[tokio::test]
async fn a_failing_program_fails_the_run_and_leaves_its_output_in_the_log() {
    let tree = tree(&[]);
    let (task, mut log) = task(tree.path(), "");
    let error = shell("echo why >&2; exit 3")
        .oneshot(task)
        .await
        .unwrap_err();
    assert!(matches!(error, ProviderError::Exit(status) if status.code() == Some(3)));
    let output = log.recv().await.unwrap().tool_output.unwrap();
    assert_eq!(output["exit_code"], 3);
    assert_eq!(output["stderr"], "why\n");
}

#[tokio::test]
async fn a_missing_program_is_named_without_its_directory() {
    let tree = tree(&[]);
    for program in ["no-such-program", "/opt/secret/no-such-program"] {
        let error = run(CommandProvider::new(program), tree.path())
            .await
            .unwrap_err();
        assert_eq!(error.to_string(), "no program called no-such-program");
    }
}

#[tokio::test]
async fn the_time_limit_ends_the_whole_process_group_and_removes_the_copies() {
    let marks = tree(&[]);
    let tree = tree(&[("a", "a\n")]);
    let script = format!(
        "sleep 1000 & echo $! > {0}/child; pwd > {0}/pwd; wait",
        marks.path().display()
    );
    // Long enough for the marks to be written on a busy machine.
    let provider = shell(&script).time_limit(Duration::from_secs(6));
    let error = run(provider, tree.path()).await.unwrap_err();
    assert!(matches!(error, ProviderError::Timeout { .. }), "{error:?}");
    gone(&written(&marks.path().join("child")).await).await;
    let work = written(&marks.path().join("pwd")).await;
    assert!(!Path::new(work.trim()).parent().unwrap().exists());
}

#[tokio::test]
async fn dropping_the_future_ends_the_process_group_and_removes_the_copies() {
    let marks = tree(&[]);
    let tree = tree(&[("a", "a\n")]);
    let script = format!(
        "sleep 1000 & echo $! > {0}/child; pwd > {0}/pwd; wait",
        marks.path().display()
    );
    let (task, _log) = task(tree.path(), "");
    let running = tokio::spawn(shell(&script).oneshot(task));
    let work = written(&marks.path().join("pwd")).await;
    running.abort();
    gone(&written(&marks.path().join("child")).await).await;
    absent(Path::new(work.trim()).parent().unwrap()).await;
}

#[tokio::test]
async fn a_cancellation_ends_the_program() {
    let marks = tree(&[]);
    let tree = tree(&[]);
    let script = format!("echo $$ > {}/pid; sleep 1000", marks.path().display());
    let (task, _log) = task(tree.path(), "");
    let cancel = task.cancel.clone();
    let running = tokio::spawn(shell(&script).oneshot(task));
    let pid = written(&marks.path().join("pid")).await;
    cancel.cancel();
    let error = timeout(PATIENCE, running).await.unwrap().unwrap();
    assert!(matches!(error, Err(ProviderError::Cancelled)));
    gone(&pid).await;
}

#[tokio::test]
async fn a_flood_of_output_is_cut_off() {
    let tree = tree(&[]);
    for script in ["yes", "yes >&2", "yes & wait"] {
        let provider = shell(script).output_limit(10_000);
        let error = run(provider, tree.path()).await.unwrap_err();
        assert!(
            matches!(error, ProviderError::OutputLimit { limit: 10_000 }),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn output_up_to_the_limit_is_kept_and_so_is_a_diff() {
    let tree = tree(&[]);
    let exact = shell("printf 12345").output_limit(5);
    assert_eq!(run(exact, tree.path()).await.unwrap().text, "12345");
    let over = shell("printf 123456").output_limit(5);
    let error = run(over, tree.path()).await.unwrap_err();
    assert!(matches!(error, ProviderError::OutputLimit { limit: 5 }));
    let diff = shell("yes | head -n 1000 > file").output_limit(500);
    let error = run(diff, tree.path()).await.unwrap_err();
    assert!(matches!(error, ProviderError::OutputLimit { limit: 500 }));
}

#[tokio::test]
async fn a_prompt_that_nobody_reads_does_not_block() {
    let tree = tree(&[]);
    let prompt = "x".repeat(4 << 20);
    let answer = timeout(PATIENCE, ask(shell("echo done"), tree.path(), &prompt))
        .await
        .unwrap();
    assert_eq!(answer.unwrap().text, "done");
    let counted = timeout(PATIENCE, ask(shell("wc -c"), tree.path(), &prompt))
        .await
        .unwrap();
    assert_eq!(counted.unwrap().text.trim(), (4 << 20).to_string());
}

#[tokio::test]
async fn a_grandchild_left_behind_is_killed_and_does_not_keep_the_run_open() {
    let tree = tree(&[]);
    let answer = run(shell("sleep 1000 & echo $!"), tree.path())
        .await
        .unwrap();
    gone(&answer.text).await;
}

#[tokio::test]
async fn a_grandchild_that_left_the_group_does_not_keep_the_run_open() {
    let tree = tree(&[]);
    let script = "setsid sh -c 'echo $$ > pid; exec sleep 1000' &
        until test -s pid; do sleep 0.01; done; cat pid";
    let answer = run(shell(script), tree.path()).await.unwrap();
    let pid = answer.text;
    let kill = run(shell(&format!("kill -9 {pid}")), tree.path()).await;
    kill.unwrap();
}

#[tokio::test]
async fn a_tree_over_the_limit_is_not_copied() {
    let tree = tree(&[("a", "12345"), ("b", "67890")]);
    let exact = shell("true").copy_limit(10);
    run(exact, tree.path()).await.unwrap();
    let error = run(shell("true").copy_limit(9), tree.path())
        .await
        .unwrap_err();
    assert!(matches!(
        error,
        ProviderError::RepositoryTooLarge { limit: 9 }
    ));
}

#[tokio::test]
async fn special_files_are_not_copied_and_modes_are_kept() {
    let tree = tree(&[("run.sh", "#!/bin/sh\necho ran\n")]);
    let script = tree.path().join("run.sh");
    fs::set_permissions(script, fs::Permissions::from_mode(0o755)).unwrap();
    let made = std::process::Command::new("mkfifo")
        .arg(tree.path().join("pipe"))
        .status();
    assert!(made.unwrap().success());
    let provider = CommandProvider::new("./run.sh").time_limit(PATIENCE);
    let answer = run(provider, tree.path()).await.unwrap();
    assert_eq!(answer.text, "ran");
    let made = run(shell("mkfifo new; ls"), tree.path()).await.unwrap();
    assert_eq!((made.text.as_str(), made.diff), ("new\nrun.sh", None));
}

#[tokio::test]
async fn unwritable_directories_of_a_program_are_removed_as_well() {
    let tree = tree(&[]);
    let script = "mkdir -p $HOME/a/b && touch $HOME/a/b/c && chmod 500 $HOME/a/b $HOME/a; pwd";
    let answer = run(shell(script), tree.path()).await.unwrap();
    assert!(!Path::new(&answer.text).parent().unwrap().exists());
}

#[tokio::test]
async fn output_that_is_no_text_is_shown_as_far_as_it_is() {
    let tree = tree(&[]);
    write(tree.path(), "x", b"");
    let answer = run(shell("printf 'a\\377b\\0c'"), tree.path())
        .await
        .unwrap();
    assert_eq!(answer.text, "a\u{fffd}b\u{fffd}c");
}

#[test]
fn arguments_are_not_shown() {
    let shown = format!("{:?}", CommandProvider::new("tool").arg("--key=secret"));
    assert!(!shown.contains("secret"), "{shown}");
}
