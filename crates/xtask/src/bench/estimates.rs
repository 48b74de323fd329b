//! What criterion has left behind.

use std::{collections::BTreeMap, fs, path::Path};

use serde::{Deserialize, de::DeserializeOwned};

use crate::error::{Error, Result};

/// Nanoseconds by `group/id`. Medians, which a disturbance of the machine moves least.
pub(super) type Estimates = BTreeMap<String, f64>;

#[derive(Deserialize)]
struct Benchmark {
    full_id: String,
}

#[derive(Deserialize)]
struct Statistics {
    median: Estimate,
}

#[derive(Deserialize)]
struct Estimate {
    point_estimate: f64,
}

/// Reads every measurement below a folder.
pub(super) fn read(folder: &Path) -> Result<Estimates> {
    let mut estimates = Estimates::new();
    collect(folder, &mut estimates)?;
    Ok(estimates)
}

/// Criterion keeps the newest run of each benchmark in a folder `new`, its name beside its
/// figures; the folders above it are named after it as far as a file system allows.
fn collect(folder: &Path, estimates: &mut Estimates) -> Result<()> {
    let new = folder.join("new");
    if new.join("benchmark.json").is_file() {
        let Benchmark { full_id } = json(&new.join("benchmark.json"))?;
        let Statistics { median } = json(&new.join("estimates.json"))?;
        estimates.insert(full_id, median.point_estimate);
        return Ok(());
    }
    let cannot = || Error::because(format!("cannot read {}", folder.display()));
    for entry in fs::read_dir(folder).map_err(cannot())? {
        let path = entry.map_err(cannot())?.path();
        if path.is_dir() {
            collect(&path, estimates)?;
        }
    }
    Ok(())
}

fn json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text = fs::read_to_string(path)
        .map_err(Error::because(format!("cannot read {}", path.display())))?;
    serde_json::from_str(&text)
        .map_err(|error| Error::new(format!("cannot read {}: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_measurement_is_found_by_its_own_name() {
        let home = tempfile::tempdir().unwrap();
        for (folder, name, median) in [("a_b/ours", "a/b/ours", 1.5), ("a_b/peer", "a/b/peer", 3.0)]
        {
            let new = home.path().join(folder).join("new");
            fs::create_dir_all(&new).unwrap();
            let benchmark = format!(r#"{{"group_id":"a/b","full_id":"{name}"}}"#);
            fs::write(new.join("benchmark.json"), benchmark).unwrap();
            let figures = format!(
                r#"{{"mean":{{"point_estimate":9.9}},"median":{{"point_estimate":{median:?}}}}}"#
            );
            fs::write(new.join("estimates.json"), figures).unwrap();
        }
        let expected = [("a/b/ours".to_owned(), 1.5), ("a/b/peer".to_owned(), 3.0)];
        assert_eq!(read(home.path()).unwrap(), Estimates::from(expected));
    }
}
