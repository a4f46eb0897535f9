//! Puts the files of a database together: of each key, the newest entry.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::SystemTime;

use super::budget::{Amount, ReadBudget};
use super::contents::{Contents, Family};
use super::error::{Fault, ReadError, TornTail};
use super::folder::{Folder, table_name};
use super::internal_key::InternalKey;
use super::logs::read_logs;
use super::manifest::Manifest;
use super::new_file::NewFile;
use super::table::Table;
use super::write_batch::Write;

/// Everything that a database holds.
#[derive(Debug)]
pub struct Database {
    /// The column families by name.
    pub families: BTreeMap<String, Family>,
    /// The end of the last log, or of the MANIFEST, if a record there is not complete.
    pub torn_tails: Vec<TornTail>,
    /// The time of the last change of a file that was read.
    pub newest_change: Option<SystemTime>,
}

/// Reads a database. No other program may have it open. `budget` is that of all databases of one state.
///
/// # Errors
/// [`ReadError`], for what is not understood as well.
pub fn read_database(path: &Path, budget: &mut ReadBudget) -> Result<Database, ReadError> {
    read_database_while(path, budget, || {})
}

/// Reads a database, and calls `meanwhile` between reading it and looking whether it has changed.
pub(super) fn read_database_while(
    path: &Path,
    budget: &mut ReadBudget,
    meanwhile: impl FnOnce(),
) -> Result<Database, ReadError> {
    let mut folder = Folder::new(path);
    let (name, bytes) = read_manifest(&mut folder, budget)?;
    let manifest = Manifest::parse(&bytes).map_err(|fault| fault.in_file(&name))?;
    let logs = folder.list_logs()?;
    let mut contents = Contents::default();
    for (id, family) in &manifest.families {
        for table in family.tables.values() {
            NamedTable { family: *id, expected: table }.read(&mut folder, &mut contents, budget)?;
        }
    }
    let end = read_logs(&mut folder, &manifest, &mut contents, budget)?;
    check_unnamed_tables(&mut folder, &manifest, end.last_sequence, budget)?;
    meanwhile();
    // A server that was started meanwhile, and is not seen by its lock, changes these first.
    let again = (read_manifest(&mut folder, budget)?, folder.list_logs()?);
    if again != ((name.clone(), bytes), logs) {
        let error = std::io::Error::other("it changed while it was read: a server may run on it");
        return Err(ReadError::Io { file: "the folder".to_owned(), error });
    }
    let torn_tails = manifest.incomplete.iter().map(|record| record.in_file(&name)).chain(end.torn);
    let families = manifest.families.iter();
    let families = families.map(|(id, family)| (family.name.clone(), contents.take_family(*id)));
    Ok(Database {
        families: families.collect(),
        torn_tails: torn_tails.collect(),
        newest_change: folder.newest_change(),
    })
}

/// Reads the MANIFEST that `CURRENT` names. Returns its name and its bytes.
fn read_manifest(
    folder: &mut Folder,
    budget: &mut ReadBudget,
) -> Result<(String, Vec<u8>), ReadError> {
    let current = folder.read("CURRENT", budget)?;
    let name = std::str::from_utf8(&current).ok().and_then(|text| text.strip_suffix('\n'));
    let is_manifest = |name: &&str| {
        let digits = name.strip_prefix("MANIFEST-").unwrap_or_default();
        !digits.is_empty() && digits.len() <= 20 && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    let fault = || Fault::new(0, "it does not name a MANIFEST").in_file("CURRENT");
    let name = name.filter(is_manifest).ok_or_else(fault)?.to_owned();
    let bytes = folder.read(&name, budget)?;
    Ok((name, bytes))
}

/// A table that the MANIFEST names.
struct NamedTable<'a> {
    family: u32,
    expected: &'a NewFile,
}

impl NamedTable<'_> {
    /// Reads the table, and compares it with what the MANIFEST says of it.
    fn read(
        &self,
        folder: &mut Folder,
        contents: &mut Contents,
        budget: &mut ReadBudget,
    ) -> Result<(), ReadError> {
        let name = table_name(self.expected.number);
        let bytes = folder.read(&name, budget).map_err(|error| error.of_named("the MANIFEST"))?;
        let in_file = |fault: Fault| fault.in_file(&name);
        if bytes.len() as u64 != self.expected.size {
            let reason = "it has another size than the MANIFEST says";
            return Err(in_file(Fault::new(0, reason)));
        }
        let table = Table::open(&bytes, &mut budget.content).map_err(in_file)?;
        if table.family() != u64::from(self.family) {
            let reason = "it belongs to another column family than the MANIFEST says";
            return Err(in_file(Fault::new(0, reason)));
        }
        let ReadBudget { content, kept, .. } = budget;
        let read = table.read_entries(content, |key, value| {
            self.check_bounds(&key)?;
            let InternalKey { user_key: key, sequence, operation } = key;
            contents.add(&Write { family: self.family, key, sequence, operation, value }, kept)
        });
        read.map_err(in_file)
    }

    fn check_bounds(&self, key: &InternalKey<'_>) -> Result<(), Fault> {
        let NewFile { smallest_key, largest_key, smallest_sequence, largest_sequence, .. } =
            self.expected;
        let keys = smallest_key.as_slice()..=largest_key.as_slice();
        let sequences = smallest_sequence..=largest_sequence;
        match keys.contains(&key.user_key) && sequences.contains(&&key.sequence) {
            true => Ok(()),
            false => Err(Fault::new(0, "an entry outside the bounds that the MANIFEST says")),
        }
    }
}

/// Checks that the tables that the MANIFEST does not name are only left over: what they hold must be in other tables, or in
/// the logs. Else the MANIFEST is older than they are.
///
/// A server that ends while it writes a table leaves a part of it, which says nothing.
fn check_unnamed_tables(
    folder: &mut Folder,
    manifest: &Manifest,
    last_sequence: u64,
    budget: &mut ReadBudget,
) -> Result<(), ReadError> {
    let tables = manifest.families.values().flat_map(|family| family.tables.keys());
    let named: BTreeSet<u64> = tables.copied().collect();
    for number in folder.list_tables()? {
        if named.contains(&number) {
            continue;
        }
        let name = table_name(number);
        let bytes = match folder.read(&name, budget) {
            Err(ReadError::Io { .. }) => continue,
            read => read?,
        };
        match find_last_sequence(&bytes, &mut budget.content) {
            Ok(last) if last > last_sequence => {
                let reason = format!(
                    "it has the write {last}, and the other files end at {last_sequence}: an older MANIFEST is there"
                );
                return Err(Fault::new(0, reason).in_file(&name));
            }
            Err(fault) if budget.content.is_exceeded() => return Err(fault.in_file(&name)),
            _ => {}
        }
    }
    Ok(())
}

/// Finds the greatest sequence number of a table.
fn find_last_sequence(bytes: &[u8], content: &mut Amount) -> Result<u64, Fault> {
    let mut last = 0;
    Table::open(bytes, content)?.read_entries(content, |key, _| {
        last = last.max(key.sequence);
        Ok(())
    })?;
    Ok(last)
}
