use std::process::{Command, Output};

fn xtask(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.args(arguments);
    command
}

fn complaint(output: &Output) -> String {
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn help_names_every_command() {
    let output = xtask(&["--help"]).output().unwrap();
    assert!(output.status.success());
    let help = String::from_utf8(output.stdout).unwrap();
    for command in ["\n  test ", "\n  ci ", "\n  bench "] {
        assert!(help.contains(command), "{command}");
    }
}

#[test]
fn what_is_not_understood_is_one_line_and_status_2() {
    for arguments in [&["tset"][..], &["ci", "now"], &["bench", "--jsn"], &[]] {
        let output = xtask(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let complaint = complaint(&output);
        assert!(complaint.starts_with("error: "), "{complaint}");
        assert_eq!(complaint.lines().count(), 1, "{complaint}");
    }
}

#[test]
fn without_servers_nor_a_way_to_install_them_it_says_what_to_install() {
    let nothing = tempfile::tempdir().unwrap();
    let output = xtask(&["test"])
        .env("PATH", nothing.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let complaint = complaint(&output);
    let last = complaint.lines().last().unwrap();
    assert!(last.contains("apt-get install"), "{complaint}");
    assert!(last.contains("brew install"), "{complaint}");
}

#[test]
fn a_bench_that_is_not_there_is_answered_with_those_that_are() {
    let output = xtask(&["bench", "limitr"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(complaint(&output).contains("limiter"));
}
