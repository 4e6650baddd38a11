//! Holding what was found against what is true: nothing missing, nothing extra, nothing different.

use std::collections::BTreeMap;
use std::fmt::{Debug, Write as _};

/// Differences that are told of each list.
const SHOWN: usize = 8;

/// Lists that were compared.
#[derive(Debug, Default)]
pub struct Score {
    table: String,
    differences: String,
}

impl Score {
    /// Compares a list with the truth, row by row.
    pub fn compare<K: Ord + Debug, V: PartialEq + Debug>(
        &mut self,
        list: &str,
        expected: &BTreeMap<K, V>,
        found: &BTreeMap<K, V>,
    ) {
        let missing: Vec<_> = expected.iter().filter(|(key, _)| !found.contains_key(key)).collect();
        let extra: Vec<_> = found.iter().filter(|(key, _)| !expected.contains_key(key)).collect();
        let both = expected.iter().filter_map(|(key, truth)| Some((key, truth, found.get(key)?)));
        let different: Vec<_> = both.filter(|(_, truth, found)| truth != found).collect();
        let counts = [expected.len(), found.len(), missing.len(), extra.len(), different.len()];
        let _ = write!(self.table, "{list:<44}");
        for count in counts {
            let _ = write!(self.table, " {count:>9}");
        }
        self.table.push('\n');
        let out = &mut self.differences;
        for (key, truth) in missing.into_iter().take(SHOWN) {
            let _ = writeln!(out, "{list}: missing {key:?}: {truth:?}");
        }
        for (key, found) in extra.into_iter().take(SHOWN) {
            let _ = writeln!(out, "{list}: extra {key:?}: {found:?}");
        }
        for (key, truth, found) in different.into_iter().take(SHOWN) {
            let _ = writeln!(out, "{list}: different {key:?}\n    true  {truth:?}\n    found {found:?}");
        }
    }

    /// Prints the table; fails when anything differs, with the first differences of each list.
    #[track_caller]
    pub fn settle(self, of: &str) {
        let heads = ["expected", "found", "missing", "extra", "different"].map(|head| format!(" {head:>9}")).concat();
        println!("{of:<44}{heads}\n{}", self.table);
        assert!(self.differences.is_empty(), "{of}: what was found is not what is true\n{}", self.differences);
    }
}

/// Rows by their natural key, which no two may share.
#[track_caller]
pub fn keyed<K: Ord + Debug, V: Debug>(rows: impl IntoIterator<Item = (K, V)>) -> BTreeMap<K, V> {
    let mut by_key = BTreeMap::new();
    for (key, value) in rows {
        let told = format!("{key:?}");
        if let Some(first) = by_key.insert(key, value) {
            panic!("two rows have the key {told}; one is {first:?}");
        }
    }
    by_key
}

#[test]
fn what_is_missing_extra_or_different_is_told_by_key() {
    let mut score = Score::default();
    score.compare(
        "list",
        &BTreeMap::from([("a", 1), ("b", 2), ("c", 3)]),
        &BTreeMap::from([("b", 2), ("c", 4), ("d", 5)]),
    );
    assert_eq!(
        score.differences,
        "list: missing \"a\": 1\nlist: extra \"d\": 5\nlist: different \"c\"\n    true  3\n    found 4\n"
    );
    let failed = std::panic::catch_unwind(|| score.settle("something")).unwrap_err();
    assert!(failed.downcast_ref::<String>().is_some_and(|message| message.contains("extra \"d\"")));
}
