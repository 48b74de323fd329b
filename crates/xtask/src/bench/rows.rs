use serde::Serialize;

use super::{
    estimates::Estimates,
    goals::{GOALS, Goal},
};
use crate::error::{Error, Result};

/// A goal and what was measured.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Row {
    pub(super) bench: &'static str,
    pub(super) row: &'static str,
    /// To three places; the rest is noise.
    pub(super) ratio: f64,
    pub(super) goal: f64,
    pub(super) met: bool,
}

/// Holds the figures of a bench to its goals.
pub(super) fn judge(bench: &str, estimates: &Estimates) -> Result<Vec<Row>> {
    GOALS
        .iter()
        .filter(|goal| goal.bench == bench)
        .map(|goal| row(goal, estimates))
        .collect()
}

fn row(goal: &Goal, estimates: &Estimates) -> Result<Row> {
    let figure = |name: &str| {
        estimates
            .get(name)
            .copied()
            .ok_or_else(|| Error::new(format!("bench `{}` has not measured `{name}`", goal.bench)))
    };
    let above = goal.above.map_or(Ok(0.0), figure)?;
    let (of, to) = (figure(goal.of)? - above, figure(goal.to)? - above);
    if to <= 0.0 {
        return Err(Error::new(format!(
            "`{}` came out no dearer than its baseline: the machine is too busy to measure",
            goal.to
        )));
    }
    let ratio = (of / to * 1000.0).round() / 1000.0;
    Ok(Row {
        bench: goal.bench,
        row: goal.row,
        ratio,
        goal: goal.at_most,
        met: ratio <= goal.at_most,
    })
}

/// One line a row.
pub(super) fn json(rows: &[Row]) -> Result<String> {
    let mut lines = String::new();
    for row in rows {
        lines += &serde_json::to_string(row).map_err(|error| Error::new(error.to_string()))?;
        lines.push('\n');
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOAL: Goal = Goal {
        bench: "limiter",
        row: "layer / peer",
        of: "layer/ours",
        to: "layer/peer",
        above: Some("layer/baseline"),
        at_most: 0.6,
    };

    fn estimates(baseline: f64, ours: f64, peer: f64) -> Estimates {
        [("baseline", baseline), ("ours", ours), ("peer", peer)]
            .map(|(id, figure)| (format!("layer/{id}"), figure))
            .into()
    }

    #[test]
    fn what_both_contain_is_taken_off_before_they_are_compared() {
        let above = row(&GOAL, &estimates(80.0, 100.0, 120.0)).unwrap();
        assert_eq!((above.ratio, above.met), (0.5, true));

        let whole = Goal {
            above: None,
            ..GOAL
        };
        let whole = row(&whole, &estimates(80.0, 100.0, 120.0)).unwrap();
        assert_eq!((whole.ratio, whole.met), (0.833, false));
    }

    #[test]
    fn exactly_at_the_goal_is_met() {
        assert!(row(&GOAL, &estimates(0.0, 60.0, 100.0)).unwrap().met);
        assert!(!row(&GOAL, &estimates(0.0, 60.1, 100.0)).unwrap().met);
    }

    #[test]
    fn a_figure_that_is_missing_or_senseless_is_no_ratio() {
        assert!(row(&GOAL, &Estimates::new()).is_err());
        assert!(row(&GOAL, &estimates(80.0, 100.0, 80.0)).is_err());
    }

    #[test]
    fn a_row_for_machines_has_five_fields_in_order() {
        let row = row(&GOAL, &estimates(80.0, 100.0, 120.0)).unwrap();
        assert_eq!(
            json(&[row]).unwrap(),
            "{\"bench\":\"limiter\",\"row\":\"layer / peer\",\
             \"ratio\":0.5,\"goal\":0.6,\"met\":true}\n"
        );
    }
}
