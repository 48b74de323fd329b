use std::path::{Component, Path};

use super::query::Query;

/// How much of its score a file keeps: what a thing *is* stands in the source; tests, examples
/// and texts repeat it in other words.
pub(crate) fn factor(path: &Path, query: &Query) -> f64 {
    let name = lower(path.file_name());
    let stem = lower(path.file_stem());
    let extension = lower(path.extension());
    let mut factor = match Kind::of(&name, &stem, &extension) {
        Kind::Code => 1.0,
        Kind::Prose if query.about_documents => 1.0,
        Kind::Prose => 0.35,
        Kind::Data => 0.4,
        Kind::Generated => 0.1,
    };
    let mut tests = stem.starts_with("test_")
        || stem.ends_with("_test")
        || stem.ends_with(".test")
        || stem.ends_with(".spec")
        || matches!(stem.as_str(), "test" | "tests" | "conftest");
    let mut examples = false;
    for component in path.parent().into_iter().flat_map(Path::components) {
        let Component::Normal(component) = component else {
            continue;
        };
        match lower(Some(component)).as_str() {
            "test" | "tests" | "testing" | "__tests__" | "spec" | "specs" | "fixtures"
            | "testdata" | "test_data" | "mocks" | "e2e" => tests = true,
            "example" | "examples" | "bench" | "benches" | "demo" | "demos" | "doc" | "docs"
            | "sample" | "samples" | "fuzz" => examples = true,
            _ => {}
        }
    }
    if tests && !query.about_tests {
        factor *= TEST;
    }
    if examples && !(query.about_examples || query.about_documents) {
        factor *= 0.4;
    }
    factor
}

/// What tests keep, whether they are files of their own or the end of one.
pub(crate) const TEST: f64 = 0.3;

/// Whether the file is written for people only, so that none of its lines is code.
pub(crate) fn is_prose(path: &Path) -> bool {
    let name = lower(path.file_name());
    let kind = Kind::of(&name, &lower(path.file_stem()), &lower(path.extension()));
    matches!(kind, Kind::Prose)
}

enum Kind {
    Code,
    Prose,
    Data,
    Generated,
}

impl Kind {
    fn of(name: &str, stem: &str, extension: &str) -> Self {
        if extension == "lock" || name.ends_with(".min.js") || name == "package-lock.json" {
            return Self::Generated;
        }
        match extension {
            "md" | "mdx" | "markdown" | "txt" | "rst" | "adoc" | "org" | "tex" | "html" | "htm" => {
                Self::Prose
            }
            "json"
            | "jsonl"
            | "yaml"
            | "yml"
            | "toml"
            | "xml"
            | "csv"
            | "tsv"
            | "svg"
            | "ini"
            | "cfg"
            | "conf"
            | "po"
            | "snap"
            | "proptest-regressions" => Self::Data,
            "" if matches!(
                stem,
                "license" | "copying" | "readme" | "changelog" | "authors"
            ) =>
            {
                Self::Prose
            }
            _ => Self::Code,
        }
    }
}

fn lower(name: Option<&std::ffi::OsStr>) -> String {
    name.map(|name| name.to_string_lossy().to_lowercase())
        .unwrap_or_default()
}
