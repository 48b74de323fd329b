//! `docs/metrics.md` against the sources.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

type Names = BTreeSet<String>;

/// What a file says in string literals that can be a metric's name, and the labels it writes.
#[derive(Debug, Default, PartialEq)]
struct Told {
    names: Names,
    labels: Names,
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What stands between two marks, on one line.
fn between(text: &str, mark: char) -> impl Iterator<Item = &str> {
    text.lines()
        .flat_map(move |line| line.split(mark).skip(1).step_by(2))
}

/// The crates that have a `metrics.rs`, and what is in it.
fn layers() -> BTreeMap<String, Told> {
    let crates = fs::read_dir(root().join("crates")).expect("the crates");
    crates
        .filter_map(|entry| {
            let entry = entry.expect("a crate");
            let path = entry.path().join("src/metrics.rs");
            let name = entry.file_name().into_string().expect("a name");
            path.exists().then(|| (name, told(&read(path))))
        })
        .collect()
}

fn told(source: &str) -> Told {
    let is_name = |text: &&str| text.starts_with("tower_") && text.contains('.');
    // A label is what a macro's arrow comes from.
    let arrows = source.split("=>").map(str::trim_end);
    let label = |before: &str| Some(before.strip_suffix('"')?.rsplit_once('"')?.1.to_owned());
    Told {
        names: between(source, '"')
            .filter(is_name)
            .map(str::to_owned)
            .collect(),
        labels: arrows.filter_map(label).collect(),
    }
}

/// The tables of the page by the crate whose section they are in.
fn documented() -> BTreeMap<String, Told> {
    let page = read(root().join("docs/metrics.md"));
    let sections = page.split("\n## `").skip(1);
    sections
        .map(|section| {
            let (name, text) = section.split_once('`').expect("a heading");
            let mut told = Told::default();
            for row in text.lines().filter(|line| line.starts_with("| `")) {
                let mut cells = row.split('|').skip(1);
                let mut cell = || cells.next().expect("a cell").trim().to_owned();
                let (metric, _kind, labels) = (cell(), cell(), cell());
                assert!(
                    told.names.insert(metric.trim_matches('`').to_owned()),
                    "{metric} is listed twice"
                );
                told.labels.extend(between(&labels, '`').map(str::to_owned));
            }
            (name.to_owned(), told)
        })
        .collect()
}

#[test]
fn the_page_lists_what_the_layers_tell() {
    let mut documented = documented();
    documented.remove("tower-request-metrics");
    assert_eq!(documented, layers());
}

#[test]
fn the_page_lists_what_is_told_of_requests() {
    let source = read(root().join("crates/tower-request-metrics/src/semantics.rs"));
    let dotted =
        |text: &&str| text.contains('.') && !text.contains(' ') && text.chars().all(|c| c != '"');
    let all: Names = between(&source, '"')
        .filter(dotted)
        .map(str::to_owned)
        .collect();
    let told = &documented()["tower-request-metrics"];
    let listed: Names = told.names.union(&told.labels).cloned().collect();
    assert_eq!(listed, all);
}

#[test]
fn names_are_of_the_crate_that_tells_them() {
    for (layer, told) in layers() {
        assert!(!told.names.is_empty(), "{layer} tells nothing");
        let prefix = layer.replace('-', "_");
        for name in told.names {
            let (owner, _) = name.split_once('.').expect("a dot");
            assert_eq!(owner, prefix, "{name}");
        }
    }
}
