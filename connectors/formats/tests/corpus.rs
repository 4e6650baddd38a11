//! Every input that the fuzz targets keep is checked as they check it: `fuzz/corpus/TARGET/*`.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

#[path = "../fuzz/src/check/mod.rs"]
mod check;

#[test]
fn what_must_hold_of_every_parser_holds_on_the_corpora() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let mut failed = Vec::new();
    for target in check::FORMATS.into_iter().chain(["numbers", "register"]) {
        let files = fs::read_dir(root.join(target)).unwrap_or_else(|error| panic!("the corpus of {target}: {error}"));
        let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
        paths.sort();
        assert!(!paths.is_empty(), "{target} has a corpus");
        for path in paths {
            let input = fs::read(&path).unwrap();
            if catch_unwind(AssertUnwindSafe(|| check::run(target, &input))).is_err() {
                failed.push(path);
            }
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn every_format_has_a_target() {
    let formats = formats::formats();
    assert!(check::FORMATS.iter().all(|target| formats.contains(target)));
    let targets = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/targets");
    for target in check::FORMATS {
        assert!(targets.join(target).with_extension("rs").exists(), "{target} has no fuzz target");
    }
    let others = formats.iter().filter(|format| !check::FORMATS.contains(format)).count();
    assert!(others > 0, "the others are registers");
}
