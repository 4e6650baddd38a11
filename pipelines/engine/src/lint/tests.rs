use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::OnceLock;

use super::*;
use crate::catalogue::Catalogue;
use crate::files::Files;
use crate::header::Header;

/// Rules and places of what is remarked on a statement.
fn remarks(sql: &str) -> Vec<String> {
    let select = SelectStatement::parse(sql).unwrap();
    let mut remarks = Remarks::new(sql);
    style(&mut remarks, &select);
    literals(&mut remarks);
    order::check(&mut remarks, &library(), &select);
    let found = remarks.of(Path::new("x.sql"));
    found.iter().map(|remark| format!("{} {}", remark.rule, remark.at.unwrap())).collect()
}

/// A library with one table `item`, whose key is `item_id` and `month`.
fn library() -> Library {
    let header: Header = toml::from_str("title = 'T'\ndescription = 'D'\nkey = ['item_id', 'month']").unwrap();
    let job = Job {
        name: "item".into(),
        area: "ar".into(),
        file: "item.sql".into(),
        header,
        sql: String::new(),
        text: String::new(),
        reads: BTreeSet::new(),
    };
    Library {
        jobs: vec![job],
        parameters: BTreeMap::new(),
        invariants: Vec::new(),
        catalogue: Catalogue::default(),
        files: Files::default(),
        parts: OnceLock::new(),
    }
}

fn none(sql: &str) {
    assert_eq!(remarks(sql), Vec::<String>::new(), "{sql}");
}

#[test]
fn form() {
    none("select\n    item_id\nfrom item\nwhere amount <> 0\n");
    assert_eq!(remarks("SELECT\n    item_ID\nfrom item"), ["case 1:1", "case 2:5"]);
    assert_eq!(remarks("select\n    item_id from item"), ["clause 2:13"]);
    assert_eq!(remarks("select\n    item_id::int as x\nfrom item"), ["cast 2:12"]);
    assert_eq!(remarks("select\n    item_id\nfrom item\nwhere a != 0"), ["unequal 4:9"]);
    assert_eq!(remarks("select\n    item_id\nfrom item\njoin b\n    on true"), ["join 4:1"]);
    assert_eq!(remarks("select\n    item_id\nfrom item\nleft outer join b\n    on true"), ["join 4:6"]);
    assert_eq!(remarks("select\n    item_id \nfrom item"), ["blank 2:12"]);
}

#[test]
fn words_that_are_no_clauses_may_stand_inside_a_line() {
    none(
        "select\n    count(*) filter (where a) as n,\n    extract(day from b) as day\nfrom item\nwhere a is distinct from b",
    );
    none("with first_items as (\n    select item_id from item where a\n)\n\nselect item_id from first_items");
}

#[test]
fn steps_say_what_they_hold_and_are_read() {
    assert_eq!(
        remarks("with t1 as (select 1 as a), unread as (select 2 as b)\n\nselect a from t1"),
        ["step 1:6", "step 1:29"]
    );
}

#[test]
fn the_final_select_names_its_columns_and_orders_nothing() {
    assert_eq!(remarks("select * from item"), ["star 1:8"]);
    assert_eq!(remarks("select item.* from item"), ["star 1:13"]);
    assert_eq!(remarks("select item_id from item order by item_id limit 1"), ["order 1:1", "order 1:1"]);
    none("select count(*) as n from item");
}

#[test]
fn union_needs_a_reason() {
    let sql = "select a from item\nunion\nselect a from item";
    assert_eq!(remarks(sql), ["union 2:1"]);
    none(&sql.replace("union", "union all"));
    none(&format!("-- allow union: each once\n{sql}"));
    assert_eq!(remarks(&format!("-- allow union:\n{sql}")), ["union 3:1"], "without a reason it is not allowed");
}

#[test]
fn rates_amounts_and_dates_are_parameters() {
    assert_eq!(remarks("select a * 0.25 as vat from item"), ["literal 1:12"]);
    assert_eq!(remarks("select a from item where b > 5000"), ["literal 1:30"]);
    assert_eq!(remarks("select a from item where b > cast('2026-07-01' as date)"), ["literal 1:35"]);
    none("select cast(a as decimal(18, 2)) / 100 as b from item where c < cast('9999-12-31' as date) and d = '1512'");
    let steps = "with\n-- allow literal: set by law\nlarge as (\n    select a from item where b > 5000\n)\n\nselect a from large where a > 20";
    assert_eq!(remarks(steps), ["literal 7:31"], "what is allowed in a step is not allowed after it");
}

#[test]
fn an_order_with_ties_is_remarked_on() {
    let window = |over: &str| remarks(&format!("select row_number() over ({over}) as n from item"));
    assert_eq!(window("partition by month order by amount"), ["ties 1:8"]);
    assert!(window("partition by month order by amount, item_id").is_empty());
    assert!(window("order by item.item_id, item.month").is_empty());
    assert_eq!(remarks("select first_value(a order by b) as c from item group by month"), ["ties 1:8"]);
    none("select first_value(a order by b, item_id) as c from item group by month");
    none("select array_agg(a order by b, a) as c from item group by d");
    none("select rank() over (order by amount) as n, sum(a) over (order by amount) as m from item");
    let grouped = "with months as (\n    select month, max(b) as b\n    from item\n    group by month\n)\n\n\
                   select lag(b) over (order by month) as before from months";
    none(grouped);
}
