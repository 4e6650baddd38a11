//! The city scored: every list of its ground truth against the job that answers for it.

mod children;
mod files;
mod ledger;
mod payments;
mod rents;
mod requests;
mod suppliers;

use crate::folder::{Folder, published};
use crate::score::Score;

#[test]
fn every_job_finds_all_that_is_true_of_the_city_and_nothing_else() {
    score(published(), "city of seed 1");
}

#[test]
fn another_city_is_found_as_completely() {
    let folder = Folder::city(2);
    folder.up().succeeded();
    score(&folder, "city of seed 2");
}

fn score(folder: &Folder, name: &str) {
    let truth = folder.truth();
    let mut score = Score::default();
    files::score(&mut score, folder, &truth);
    payments::score(&mut score, folder, &truth);
    ledger::score(&mut score, folder, &truth);
    suppliers::score(&mut score, folder, &truth);
    children::score(&mut score, folder, &truth);
    rents::score(&mut score, folder, &truth);
    requests::score(&mut score, folder, &truth);
    score.settle(name);
}
