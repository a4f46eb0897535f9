//! The reports that are kept beside the one of an undo: each run that did not continue the report of the run before
//! has put a number behind its name.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::args::UndoArgs;
use crate::blocking::run_detached;
use crate::commands::input::is_standard_input;
use crate::commands::run_report::{RunReport, read_report_bytes};
use crate::model::{Action, Entry, Key, Plan, Value};
use crate::outcome::{Failure, StoreName};
use crate::shell::quote_word;

/// The largest number behind the name of a report.
const LARGEST_NUMBER: u32 = 999;

/// Adds where the report of an earlier run is kept that had the same name, if there is one.
pub(super) async fn add_kept_report(failure: Failure, args: &UndoArgs) -> Failure {
    match list_kept(&args.report).await.first() {
        Some(kept) => {
            let kept = quote_word(kept);
            failure.hint(format!("the report that had this name before is kept as {kept}"))
        }
        None => failure,
    }
}

/// Finds the latest report before this one by which there is more to take back from this target: its run wrote keys that
/// the plan of this undo leaves there. Without a plan, the target is not known, and any written key counts.
pub(super) async fn find_next_report(
    args: &UndoArgs,
    target: &StoreName,
    plan: Option<&Plan>,
) -> Option<PathBuf> {
    let left = plan.map(list_left_values);
    let is_left = |run: &RunReport| match &left {
        None => run.may_have_written(),
        Some(left) => run.keys.iter().any(|(key, write)| {
            write.may_be_done() && left.get(key).is_some_and(|value| write.has_written(value))
        }),
    };
    for kept in list_kept(&args.report).await {
        let path = kept.clone();
        let read = move || read_report_bytes(&mut File::open(path)?);
        let bytes = run_detached(read).await.flatten();
        let run = bytes.ok().and_then(|bytes| RunReport::parse(&bytes).ok());
        if run.is_some_and(|run| run.is_of_target(target) && is_left(&run)) {
            return Some(kept);
        }
    }
    None
}

/// Returns what the target holds once the plan is carried out.
fn list_left_values(plan: &Plan) -> BTreeMap<Key, Value> {
    let left = plan.steps.iter().filter_map(|step| {
        let value = match step.action {
            Action::Delete => None,
            Action::Create | Action::Overwrite => step.source.clone(),
            Action::Skip | Action::Conflict => step.target.as_ref().and_then(Entry::value).cloned(),
        };
        Some((step.key.clone(), value?))
    });
    left.collect()
}

/// Lists the reports that were kept before this one, the latest first.
async fn list_kept(report: &OsStr) -> Vec<PathBuf> {
    if is_standard_input(report) {
        return Vec::new();
    }
    let report = PathBuf::from(report);
    let list = move || {
        // They are beside the file itself.
        let is_link = report.is_symlink();
        let report = report.canonicalize().ok().filter(|_| is_link).unwrap_or(report);
        list_beside(&report)
    };
    run_detached(list).await.unwrap_or_default()
}

/// Lists the files with the name of this report and a number, the largest first, and those with a smaller number than
/// its own, if it is a kept one itself.
fn list_beside(report: &Path) -> Vec<PathBuf> {
    let mut kept = list_numbered(report, LARGEST_NUMBER);
    if let Some((base, number)) = split_number(report) {
        kept.extend(list_numbered(&base, number - 1));
    }
    kept
}

fn list_numbered(report: &Path, largest: u32) -> Vec<PathBuf> {
    let folder = report.parent().filter(|folder| !folder.as_os_str().is_empty());
    let Ok(files) = fs::read_dir(folder.unwrap_or(Path::new("."))) else { return Vec::new() };
    let mut numbers: Vec<u32> = files
        .filter_map(|file| {
            let (base, number) = split_number(Path::new(&file.ok()?.file_name()))?;
            (Some(base.as_os_str()) == report.file_name()).then_some(number)
        })
        .filter(|number| *number <= largest)
        .collect();
    numbers.sort_unstable();
    let named = numbers.into_iter().rev().map(|number| {
        let mut name: OsString = report.into();
        name.push(format!(".{number}"));
        PathBuf::from(name)
    });
    named.filter(|kept| kept.is_file()).collect()
}

/// Splits the number off the name of a kept report.
fn split_number(path: &Path) -> Option<(PathBuf, u32)> {
    let digits = path.extension()?.to_str()?;
    let number: u32 = digits.parse().ok()?;
    let is_written_so = number > 0 && number <= LARGEST_NUMBER && number.to_string() == digits;
    is_written_so.then(|| (path.with_extension(""), number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_reports_are_listed_from_the_latest_on() {
        let folder = tempfile::TempDir::new().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in
            ["r.json", "r.json.1", "r.json.2", "r.json.10", "r.json.02", "r.json.1000", "r.1"]
        {
            fs::write(at(name), "").unwrap();
        }
        fs::create_dir(at("r.json.3")).unwrap();
        let list = |name: &str| list_beside(&at(name));
        assert_eq!(list("r.json"), ["r.json.10", "r.json.2", "r.json.1"].map(at));
        assert_eq!(list("r.json.10"), ["r.json.2", "r.json.1"].map(at));
        assert_eq!(list("r.json.1"), Vec::<PathBuf>::new());
        assert_eq!(list("absent/r.json"), Vec::<PathBuf>::new());
    }
}
