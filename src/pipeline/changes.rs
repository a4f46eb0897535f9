//! The differences inside a value that two stores have: a patch from one document to the other, and the words for
//! people. Pure.
//!
//! A map whose keys are numbers is stored as a list of pairs in any order: its elements are matched by their keys, so
//! that the patch makes a document that says the same. Other lists are matched by place.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::hidden_values::hide_as_digests;
use crate::codec;
use crate::model::{ChangedPlace, DocumentChange, KeyComparison, KeyStatus, Value};

/// The map of `nodes_config` whose numbers are ids of nodes.
const NODES: &str = "nodes";

/// Returns the differences inside a value that both stores have; `None` where it is the same, absent on one side or
/// can't be decoded.
///
/// Values that may be credentials are compared, and replaced by digests: such a patch is not for applying.
pub fn find_value_changes(row: &KeyComparison) -> Option<Vec<DocumentChange>> {
    if row.status == KeyStatus::Same {
        return None;
    }
    let decode = |value: &Value| {
        let mut document = codec::decode(&row.key, &value.bytes).ok()?;
        hide_as_digests(&mut document);
        Some(document)
    };
    let [source, target] = [&row.source, &row.target].map(|entry| decode(entry.as_ref()?.value()?));
    Some(find_changes(&source?, &target?))
}

/// Returns the operations that make `after` of `before`, in the order in which they apply.
pub fn find_changes(before: &Json, after: &Json) -> Vec<DocumentChange> {
    let mut search = Search { place: ChangedPlace::default(), changes: Vec::new() };
    search.compare(before, after);
    search.changes
}

struct Search {
    place: ChangedPlace,
    changes: Vec<DocumentChange>,
}

impl Search {
    fn compare(&mut self, before: &Json, after: &Json) {
        if before == after {
            return;
        }
        match (before, after) {
            (Json::Object(old), Json::Object(new)) if !is_hidden(before) && !is_hidden(after) => {
                let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
                for name in names {
                    let step = name.replace('~', "~0").replace('/', "~1");
                    let word = word_of_field(name, &self.place.words);
                    self.descend(&step, &word, |search| {
                        search.compare_optional(old.get(name), new.get(name));
                    });
                }
            }
            (Json::Array(old), Json::Array(new)) => match (index_pairs(old), index_pairs(new)) {
                (Some(old), Some(new)) => self.compare_pairs(&old, &new),
                _ => self.compare_lists(old, new),
            },
            _ => self.add_replacement(before, after),
        }
    }

    fn compare_optional(&mut self, before: Option<&Json>, after: Option<&Json>) {
        let place = self.place.clone();
        match (before, after) {
            (Some(before), Some(after)) => self.compare(before, after),
            (Some(before), None) => {
                self.changes.push(DocumentChange::Remove { place, value: before.clone() });
            }
            (None, Some(after)) => {
                self.changes.push(DocumentChange::Add { place, value: after.clone() });
            }
            (None, None) => {}
        }
    }

    /// Compares maps that are stored as pairs: what both have, then what is gone from the last on, then what is new.
    fn compare_pairs(&mut self, old: &Pairs<'_>, new: &Pairs<'_>) {
        let mut gone = BTreeMap::new();
        for (id, (index, before)) in old {
            match new.get(id) {
                Some((_, after)) => {
                    let word = self.word_of_id(id);
                    self.descend(&format!("{index}/1"), &word, |search| {
                        search.compare(before, after);
                    });
                }
                None => {
                    gone.insert(*index, id);
                }
            }
        }
        for (index, id) in gone.into_iter().rev() {
            let word = self.word_of_id(id);
            let value = old.get(id).map(|(_, value)| *value);
            self.descend(&index.to_string(), &word, |search| search.compare_optional(value, None));
        }
        for (id, (_, after)) in new.iter().filter(|(id, _)| !old.contains_key(*id)) {
            let word = self.word_of_id(id);
            let pair = Json::Array(vec![id.to_json(), (*after).clone()]);
            self.descend("-", &word, |search| search.compare_optional(None, Some(&pair)));
        }
    }

    /// Compares lists place by place.
    fn compare_lists(&mut self, old: &[Json], new: &[Json]) {
        let is_generation = self.place.words.ends_with("current_generation");
        for (index, (before, after)) in old.iter().zip(new).enumerate() {
            // A list of id and generation, of which the id is that of the node.
            let word =
                if is_generation && index == 1 { String::new() } else { format!("[{index}]") };
            self.descend(&index.to_string(), &word, |search| search.compare(before, after));
        }
        for (index, value) in old.iter().enumerate().skip(new.len()).rev() {
            self.descend(&index.to_string(), &format!("[{index}]"), |search| {
                search.compare_optional(Some(value), None);
            });
        }
        for (index, value) in new.iter().enumerate().skip(old.len()) {
            self.descend("-", &format!("[{index}]"), |search| {
                search.compare_optional(None, Some(value));
            });
        }
    }

    fn add_replacement(&mut self, before: &Json, after: &Json) {
        let place = self.place.clone();
        let (before, after) = (before.clone(), after.clone());
        self.changes.push(DocumentChange::Replace { place, before, after });
    }

    fn word_of_id(&self, id: &PairId) -> String {
        match (id, self.place.words == NODES) {
            (PairId::Number(id), true) => format!("[N{id}]"),
            (PairId::Number(id), false) => format!("[{id}]"),
            (PairId::Text(id), _) => format!("[{id}]"),
        }
    }

    /// Looks below: `step` is the name or the steps of the pointer, `word` what people read.
    fn descend(&mut self, step: &str, word: &str, look: impl FnOnce(&mut Search)) {
        let (pointer, words) = (self.place.pointer.len(), self.place.words.len());
        self.place.pointer.push('/');
        self.place.pointer.push_str(step);
        self.place.words.push_str(word);
        look(self);
        self.place.pointer.truncate(pointer);
        self.place.words.truncate(words);
    }
}

/// Returns the words of a field. The variant `Node` of a node's state says nothing.
fn word_of_field(name: &str, parent: &str) -> String {
    match (name, parent.is_empty()) {
        ("Node", _) if parent.ends_with(']') => String::new(),
        (_, true) => name.to_owned(),
        (_, false) => format!(".{name}"),
    }
}

/// Returns whether the value stands for one that may be a credential.
fn is_hidden(value: &Json) -> bool {
    value.as_object().is_some_and(|fields| fields.len() == 1 && fields.contains_key("hidden"))
}

/// The key of a map that is stored as a list of pairs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum PairId {
    Number(u64),
    Text(String),
}

impl PairId {
    fn to_json(&self) -> Json {
        match self {
            PairId::Number(id) => (*id).into(),
            PairId::Text(id) => id.clone().into(),
        }
    }
}

/// Each value by its key, with the place of the pair.
type Pairs<'a> = BTreeMap<PairId, (usize, &'a Json)>;

/// Returns the pairs by their keys; `None` if the list is not one of pairs, each with a key of its own.
fn index_pairs(list: &[Json]) -> Option<Pairs<'_>> {
    let mut pairs = Pairs::new();
    for (index, pair) in list.iter().enumerate() {
        let [id, value] = pair.as_array()?.as_slice() else { return None };
        let id = match id {
            Json::String(id) => PairId::Text(id.clone()),
            id => PairId::Number(id.as_u64()?),
        };
        if pairs.insert(id, (index, value)).is_some() {
            return None;
        }
    }
    Some(pairs)
}

#[cfg(test)]
mod tests;
