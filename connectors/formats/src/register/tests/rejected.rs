use super::*;

/// The one reject of the file after a change; the other row is unharmed.
#[track_caller]
fn reject(from: &str, to: &str) -> Reject {
    let outcome = households(&with(HOUSEHOLDS, from, to));
    assert_eq!(outcome.rows.len(), 1);
    outcome.only_reject().clone()
}

#[track_caller]
fn is_rejected_for(from: &str, to: &str, code: &str, column: Option<&str>) {
    let reject = reject(from, to);
    assert_eq!((reject.finding.code, reject.finding.position.path.as_deref()), (code, column));
}

#[test]
fn a_missing_value_of_a_required_column() {
    is_rejected_for("H1;", ";", "register.required", Some("HUSHALLSID"));
    is_rejected_for(";N\n", ";NULL\n", "register.required", Some("SKYDD"));
}

#[test]
fn a_date_that_does_not_exist() {
    is_rejected_for("H1;2025-08-15", "H1;2025-02-29", "register.date", Some("GILTIG_FROM"));
}

#[test]
fn a_date_in_another_form() {
    is_rejected_for("2026-01-31", "31/1 2026", "register.date", Some("GILTIG_TOM"));
}

#[test]
fn a_text_outside_the_list_of_values() {
    is_rejected_for(";N\n", ";X\n", "register.value", Some("SKYDD"));
}

#[test]
fn a_department_that_is_not_three_digits() {
    is_rejected_for("K1;104", "K1;14", "register.department", Some("SDF"));
}

#[test]
fn too_few_and_too_many_fields() {
    is_rejected_for("H1;", "", "register.fields", None);
    is_rejected_for("H1;", "H1;H1;", "register.fields", None);
    // Even an empty one: a stray delimiter may have moved the fields before it.
    is_rejected_for(";N\n", ";N;\n", "register.fields", None);
}

#[test]
fn bytes_that_are_no_text() {
    is_rejected_for("H1", "H\0", "register.undecodable", Some("HUSHALLSID"));
    is_rejected_for("K1", "K\u{81}", "register.undecodable", Some("KUNDNR"));
}

#[test]
fn the_later_of_two_rows_with_one_key() {
    is_rejected_for("H2", "H1", "register.duplicate", Some("HUSHALLSID, GILTIG_FROM"));
    let outcome = households(&with(HOUSEHOLDS, "H2", "H1"));
    assert_eq!((outcome.rejects[0].ordinal, outcome.rows[0]["ordinal"].as_u64()), (2, Some(1)));
}

#[test]
fn a_rejected_row_does_not_take_the_key_from_a_good_one() {
    let file = with(&with(HOUSEHOLDS, "H2", "H1"), ";N\n", ";?\n");
    let outcome = households(&file);
    assert_eq!((outcome.only_reject().ordinal, outcome.rows.len()), (1, 1));
}

#[test]
fn amounts_of_rejected_rows_are_known_where_they_can_be_read() {
    let outcome = items(&with(ITEMS, "2026-03-02", "2026-03-32"));
    let reject = outcome.only_reject();
    assert_eq!((reject.amount, reject.currency.as_deref()), (Some(-20_000), Some("SEK")));
    let total = &outcome.summary.totals[0];
    assert_eq!((total.declared, total.read, total.rejected), (Some(80_050), 100_050, -20_000));
}

#[test]
fn amounts_that_cannot_be_read_leave_the_declared_sum_unchecked_and_say_so() {
    for (from, to, code) in [
        ("-200,00", "-200.00", "register.decimal"),
        ("-200,00", "-200,005", "register.decimals"),
        ("-200,00", "-10000000000000000,00", "register.decimal_range"),
        ("-200,00", "", "register.required"),
        ("-200;", "-200;;", "register.fields"),
    ] {
        let outcome = items(&with(ITEMS, from, to));
        assert_eq!((outcome.only_reject().finding.code, outcome.only_reject().amount), (code, None));
        assert_eq!(outcome.remarks(), ["register.sum_unchecked"]);
    }
}

#[test]
fn a_cell_is_named_with_its_exact_place_but_not_with_its_text() {
    let file = with(HOUSEHOLDS, "2026-01-31", "19890102-9819");
    let outcome = households(&file);
    let reject = outcome.only_reject();
    let byte = file.find("19890102-9819").unwrap();
    let line = file.lines().nth(2).unwrap();
    let column = line.find("19890102-9819").unwrap() + 1;
    assert_eq!(reject.finding.position.to_string(), format!("line 3, column {column}, GILTIG_TOM, byte {byte}"));
    assert_eq!(reject.finding.message, "column GILTIG_TOM: no date YYYY-MM-DD or YYYYMMDD");
    assert_eq!(reject.finding.message_sv, "kolumnen GILTIG_TOM: inget datum ÅÅÅÅ-MM-DD eller ÅÅÅÅMMDD");
    assert_eq!(reject.raw, line.as_bytes());
}

#[test]
fn a_raw_row_is_cut_but_its_place_is_not() {
    let file = with(HOUSEHOLDS, "H1;2025-08-15", &format!("{};x", "H".repeat(crate::MAX_RAW)));
    let reject = households(&file).only_reject().clone();
    assert_eq!(reject.raw.len(), crate::MAX_RAW);
    assert!(reject.end - reject.start > crate::MAX_RAW as u64);
}

#[test]
fn a_check_rejects_where_the_mapping_says_so() {
    let toml = SOURCES.iter().find(|(name, _)| *name == "ber_household").unwrap().1;
    let strict = Mapping::parse(&toml.replace(r#", on_invalid = "remark""#, ""), "strict").unwrap();
    let outcome = read_as(&strict, "2026-03-31.csv", &latin(HOUSEHOLDS));
    assert_eq!(outcome.only_reject().finding.code, "register.personal_number");
}
