//! How much memory and how many threads a run takes is not what it means.

use crate::folder::published;
use crate::program::run;

#[test]
fn rows_in_a_batch_and_the_number_of_threads_change_no_table() {
    let folder = published().copy();
    let before = folder.content();
    let mut again = folder.reskontra(&["run"]);
    again.env("DATAFUSION_EXECUTION_BATCH_SIZE", "97").env("DATAFUSION_EXECUTION_TARGET_PARTITIONS", "5");
    run(&mut again).succeeded();
    let now = folder.content();
    let changed: Vec<&String> = before.keys().filter(|job| now.get(*job) != before.get(*job)).collect();
    assert!(changed.is_empty(), "these jobs depend on the order of rows: {changed:?}");
    assert_eq!(folder.generations().len(), 1, "nothing has changed, so nothing is published");
}
