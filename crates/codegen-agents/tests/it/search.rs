use std::fs;
use std::path::Path;
use std::time::Duration;

use codegen_agents::{Answer, ProviderError, SearchProvider};
use serde_json::json;
use tower::ServiceExt;

use crate::tree::{ask, task, tree, write};

async fn search(root: &Path, prompt: &str) -> Answer {
    ask(SearchProvider::new(), root, prompt).await.unwrap()
}

/// The files of an answer, the best first.
fn files(answer: &Answer) -> Vec<&str> {
    answer
        .text
        .lines()
        .skip(1)
        .filter(|line| !line.is_empty() && !line.starts_with(' '))
        .collect()
}

#[tokio::test]
async fn this_repository_says_where_the_half_open_state_is_decided() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let answer = search(&root, "where is the half-open state decided?").await;
    let first = files(&answer)[0];
    assert!(
        first.starts_with("crates/tower-circuit-breaker/src/"),
        "{}",
        answer.text
    );
    assert!(answer.summary.contains(first), "{}", answer.summary);
}

#[tokio::test]
async fn a_definition_comes_before_uses_tests_examples_and_texts() {
    let tree = tree(&[
        ("README.md", "The session token, the session token.\n"),
        (
            "docs/token.md",
            "# Session token\n\nA session token is a session token.\n",
        ),
        ("examples/a.rs", "fn session_token() {}\n"),
        (
            "src/user.rs",
            "fn login() {\n    let t = session_token();\n}\n",
        ),
        (
            "src/z.rs",
            "/// Makes one.\npub fn session_token() -> String {\n    new()\n}\n",
        ),
        ("tests/session_token.rs", "fn session_token() {}\n"),
    ]);
    let answer = search(tree.path(), "How is a session token made?").await;
    assert_eq!(files(&answer)[..2], ["src/z.rs", "src/user.rs"]);
    assert_eq!(
        answer.summary,
        "session token lives in `src/z.rs` (lines 1-4): `pub fn session_token() -> String {`"
    );
    assert!(answer.text.contains("  src/z.rs:2: pub fn session_token()"));
}

#[tokio::test]
async fn words_that_stand_together_come_before_words_apart() {
    let filler = "fn filler() {}\n".repeat(20);
    let apart = format!("fn a() {{\n    expire();\n}}\n{filler}fn b() {{\n    cookie();\n}}\n");
    let tree = tree(&[
        ("a.rs", &apart),
        (
            "b.rs",
            &format!("fn c() {{\n    expire();\n    cookie();\n}}\n{filler}"),
        ),
        ("c.rs", &filler),
    ]);
    let answer = search(tree.path(), "when does a cookie expire").await;
    assert_eq!(files(&answer)[0], "b.rs");
}

#[tokio::test]
async fn rare_words_say_more_than_common_ones() {
    let common = "fn window() { window(); window(); }\n".repeat(5);
    let tree = tree(&[
        ("a.rs", &common),
        ("b.rs", &common),
        ("c.rs", &common),
        ("d.rs", "fn other() { window(); hysteresis(); }\n"),
    ]);
    let answer = search(tree.path(), "window hysteresis").await;
    assert_eq!(files(&answer)[0], "d.rs");
}

#[tokio::test]
async fn a_question_about_tests_is_answered_from_tests() {
    let files_of_tree = [
        ("src/lib.rs", "fn quota() {}\n"),
        (
            "tests/quota.rs",
            "fn a_quota_is_exact() {\n    quota();\n}\n",
        ),
    ];
    let tree = tree(&files_of_tree);
    let answer = search(tree.path(), "quota").await;
    assert_eq!(files(&answer)[0], "src/lib.rs");
    let answer = search(tree.path(), "which test is about the quota being exact").await;
    assert_eq!(files(&answer)[0], "tests/quota.rs");
}

#[tokio::test]
async fn nothing_found_is_an_answer() {
    let tree = tree(&[("src/lib.rs", "fn decided() {}\n")]);
    for prompt in ["xyzzy frobnicate", "where is the flibber decided?"] {
        let answer = search(tree.path(), prompt).await;
        assert_eq!(
            answer.text, "Nothing found: none of the 1 files of demo matches the prompt.",
            "{prompt}"
        );
    }
    for prompt in ["", " ", "where is it?", "\0\u{1f980}?!"] {
        let answer = search(tree.path(), prompt).await;
        assert_eq!(
            answer.text, "The prompt names nothing that could be searched for.",
            "{prompt:?}"
        );
    }
}

#[tokio::test]
async fn a_prompt_of_any_size_is_answered() {
    let tree = tree(&[("a.rs", "fn needle() {}\n")]);
    let giant = "x".repeat(1 << 20);
    let name = "ab_".repeat(1 << 18);
    let words: String = (0..100_000).map(|n| format!("word{n} ")).collect();
    for noise in [giant, name, words] {
        let answer = search(tree.path(), &format!("needle {noise}")).await;
        assert_eq!(files(&answer), ["a.rs"]);
    }
}

#[tokio::test]
async fn the_name_of_a_file_alone_is_a_match() {
    let tree = tree(&[("quota.rs", "fn other() {}\n"), ("b.rs", "")]);
    let answer = search(tree.path(), "quota").await;
    assert_eq!(answer.summary, "The best match is the name of `quota.rs`");
    assert_eq!(files(&answer), ["quota.rs"]);
}

#[tokio::test]
async fn an_excerpt_does_not_steer_a_terminal() {
    let tree = tree(&[("a.rs", "fn needle() {}\t// \u{1b}[2J\u{7}\n")]);
    let answer = search(tree.path(), "needle").await;
    assert!(
        answer
            .text
            .contains("fn needle() {} // \u{fffd}[2J\u{fffd}")
    );
}

#[tokio::test]
async fn an_empty_tree_has_nothing_and_a_missing_one_is_an_error() {
    let tree = tree(&[("file", "x")]);
    fs::create_dir(tree.path().join("empty")).unwrap();
    let answer = search(&tree.path().join("empty"), "anything").await;
    assert!(
        answer
            .text
            .starts_with("Nothing found: none of the 0 files")
    );
    for root in ["absent", "file"] {
        let error = ask(SearchProvider::new(), &tree.path().join(root), "anything")
            .await
            .unwrap_err();
        assert!(matches!(error, ProviderError::Io { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn ignored_hidden_binary_and_huge_files_are_left_out() {
    let tree = tree(&[
        (".gitignore", "target/\n*.log\n"),
        (".ignore", "vendor\n"),
        (".hidden/a.rs", "fn needle() {}\n"),
        (".git/config", "needle\n"),
        ("target/a.rs", "fn needle() {}\n"),
        ("vendor/a.rs", "fn needle() {}\n"),
        ("sub/.gitignore", "local.rs\n"),
        ("sub/local.rs", "fn needle() {}\n"),
        ("a.log", "needle\n"),
        ("binary.rs", "fn needle() {}\n\0"),
        ("small.rs", "fn needle() {}\n"),
    ]);
    write(
        tree.path(),
        "huge.rs",
        "fn needle() {}\n".repeat(100_000).as_bytes(),
    );
    write(tree.path(), "just.rs", &b"\n".repeat(1 << 20));
    write(tree.path(), "over.rs", &b"\n".repeat((1 << 20) + 1));
    let (task, mut log) = task(tree.path(), "needle");
    let answer = SearchProvider::new().oneshot(task).await.unwrap();
    assert_eq!(files(&answer), ["small.rs"]);
    let entry = log.recv().await.unwrap();
    assert_eq!(entry.tool_name.as_deref(), Some("search"));
    assert_eq!(
        entry.tool_input,
        Some(json!({ "repository": "demo", "terms": ["needle"] }))
    );
    let output = entry.tool_output.unwrap();
    assert_eq!(output["files_searched"], 2);
    assert_eq!(output["files_skipped"], 3);
    assert_eq!(output["files_matched"], 1);
    assert_eq!(output["best"][0]["path"], "small.rs");
}

#[cfg(unix)]
#[tokio::test]
async fn links_neither_loop_nor_lead_outside() {
    use std::os::unix::fs::symlink;

    let outside = tree(&[("secret.rs", "fn needle_of_somebody_else() {}\n")]);
    let tree = tree(&[("in/a.rs", "fn needle() {}\n")]);
    let root = tree.path();
    symlink("..", root.join("in/up")).unwrap();
    symlink(".", root.join("self")).unwrap();
    symlink(outside.path(), root.join("out")).unwrap();
    symlink(outside.path().join("secret.rs"), root.join("secret.rs")).unwrap();
    symlink("absent", root.join("dangling.rs")).unwrap();
    let answer = search(root, "needle").await;
    assert_eq!(files(&answer), ["in/a.rs"]);
    assert!(!answer.text.contains("somebody"));

    let alias = outside.path().join("alias");
    symlink(root, &alias).unwrap();
    assert_eq!(files(&search(&alias, "needle").await), ["in/a.rs"]);
}

#[cfg(unix)]
#[tokio::test]
async fn names_and_contents_that_are_no_text_are_searched_and_shown() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let tree = tree(&[]);
    let name = OsStr::from_bytes(b"n\xffe\n.rs");
    fs::write(tree.path().join(name), b"fn needle() {} // \xff\xfe\n").unwrap();
    let answer = search(tree.path(), "needle").await;
    assert_eq!(files(&answer), ["n\u{fffd}e\u{fffd}.rs"]);
    assert!(
        answer
            .text
            .contains(":1: fn needle() {} // \u{fffd}\u{fffd}")
    );
}

#[tokio::test]
async fn a_deep_tree_is_searched_to_the_bottom() {
    let tree = tree(&[]);
    let deep = "d/".repeat(400);
    write(tree.path(), &format!("{deep}a.rs"), b"fn needle() {}\n");
    let answer = search(tree.path(), "needle").await;
    assert_eq!(files(&answer), [format!("{deep}a.rs")]);
}

#[tokio::test]
async fn an_answer_is_short_however_much_matches() {
    let tree = tree(&[]);
    let line = format!("fn needle() {{ {} }}\n", "ä".repeat(500));
    for n in 0..40 {
        write(tree.path(), &format!("{n}.rs"), line.repeat(50).as_bytes());
    }
    let answer = search(tree.path(), "needle").await;
    // Equal scores: by name.
    assert_eq!(files(&answer), ["0.rs", "1.rs", "10.rs", "11.rs", "12.rs"]);
    assert!(answer.text.len() < 16_000);
    assert!(answer.text.lines().count() < 50);
    assert_eq!(answer, search(tree.path(), "needle").await);
}

#[tokio::test]
async fn the_time_limit_and_a_cancellation_end_a_search() {
    let tree = tree(&[("a.rs", "fn needle() {}\n")]);
    let limited = SearchProvider::new().time_limit(Duration::ZERO);
    let error = ask(limited, tree.path(), "needle").await.unwrap_err();
    assert!(matches!(error, ProviderError::Timeout { limit } if limit.is_zero()));

    let (task, _log) = task(tree.path(), "needle");
    task.cancel.cancel();
    let error = SearchProvider::new().oneshot(task).await.unwrap_err();
    assert!(matches!(error, ProviderError::Cancelled));
}

#[tokio::test]
async fn a_journal_nobody_reads_ends_a_search() {
    let tree = tree(&[("a.rs", "fn needle() {}\n")]);
    let (task, log) = task(tree.path(), "needle");
    drop(log);
    let error = SearchProvider::new().oneshot(task).await.unwrap_err();
    assert!(matches!(error, ProviderError::Cancelled));
}
