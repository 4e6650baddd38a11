use serde_json::json;

use super::*;

#[test]
fn a_household_is_read_with_its_place_in_the_file() {
    let outcome = households(HOUSEHOLDS);
    let start = HOUSEHOLDS.find("H2").unwrap();
    let expected = json!({
        "ordinal": 2,
        "byte_start": start,
        "byte_end": HOUSEHOLDS.len() - 1,
        "extracted_on": "2026-03-31",
        "household_id": "H2",
        "valid_from": "2025-08-15",
        "valid_to": "2026-01-31",
        "guardian_1": "189001029819",
        "guardian_2": "198901039800",
        "customer_id": "K2",
        "department": "105",
        "protected": true,
    });
    // 19890103-9800 is made up: the check digit is another, so the text stands as it is.
    let expected = Value::Object({
        let mut object = expected.as_object().unwrap().clone();
        object.insert("guardian_2".to_owned(), "19890103-9800".into());
        object
    });
    assert_eq!(Value::Object(outcome.accepted().rows[1].clone()), expected);
    assert_eq!(outcome.rows[0]["guardian_2"], Value::Null);
    assert_eq!(outcome.remarks(), ["register.personal_number"]);
    assert_eq!(outcome.summary.extracted_on, chrono::NaiveDate::from_ymd_opt(2026, 3, 31));
}

#[test]
fn an_open_item_is_read_and_the_trailer_is_compared() {
    let outcome = items(ITEMS);
    let row = &outcome.accepted().rows[0];
    assert_eq!((&row["customer_name"], &row["remaining"]), (&json!("Åberg Åsa"), &json!("1000.50")));
    assert_eq!((&row["payer_account"], &row["ocr"]), (&json!("50501055"), &json!("12345674")));
    let row = &outcome.rows[1];
    assert_eq!((&row["customer_identity"], &row["amount"]), (&json!("5560160680"), &json!("-200.00")));
    assert_eq!((&row["period"], &row["billing_source"]), (&json!("202603"), &Value::Null));
    assert_eq!(outcome.summary.declared_records, Some(2));
    let total = &outcome.summary.totals[0];
    assert_eq!((total.currency.as_str(), total.declared, total.read), ("SEK", Some(80_050), 80_050));
    assert_eq!(outcome.remarks(), Vec::<&str>::new());
}

#[test]
fn headers_are_found_in_any_order_case_and_by_their_aliases() {
    let file = HOUSEHOLDS.replace("HUSHALLSID;GILTIG_FROM", " hushallsid ;Giltig_From").replace("KUNDNR", "Kundnummer");
    assert_eq!(
        households(&file).accepted().rows,
        households(HOUSEHOLDS)
            .rows
            .iter()
            .map(|row| {
                let mut row = row.clone();
                let moved = (file.len() - HOUSEHOLDS.len()) as u64;
                for column in ["byte_start", "byte_end"] {
                    row[column] = (row[column].as_u64().unwrap() + moved).into();
                }
                row
            })
            .collect::<Vec<_>>()
    );
    let swapped =
        "SKYDD;SDF;KUNDNR;VARDNADSHAVARE2;VARDNADSHAVARE1;GILTIG_TOM;GILTIG_FROM;HUSHALLSID\nN;104;K1;;;;20250815;H1\n";
    assert_eq!(households(swapped).accepted().rows[0]["household_id"], "H1");
}

#[test]
fn the_date_of_the_extract_is_the_columns_before_the_names() {
    let file = "UTTAGSDATUM;HUSHALLSID;GILTIG_FROM;GILTIG_TOM;VARDNADSHAVARE1;VARDNADSHAVARE2;KUNDNR;SDF;SKYDD\n\
                2026-02-28;H1;2025-08-15;;;;K1;104;N\n";
    let outcome = households(file);
    assert_eq!(outcome.accepted().rows[0]["extracted_on"], "2026-02-28");
    assert_eq!(outcome.summary.extracted_on, chrono::NaiveDate::from_ymd_opt(2026, 2, 28));
    assert_eq!(outcome.remarks(), ["register.date_in_name"]);
    let outcome = read_as(&super::super::mappings()["ber_household"], "-", file.as_bytes());
    assert_eq!(outcome.accepted().remarks(), Vec::<&str>::new());
}

#[test]
fn what_is_tolerated_is_remarked_on() {
    let lines = HOUSEHOLDS.replace("19890103-9800", "");
    let crlf = lines.replace('\n', "\r\n");
    for (file, remarks) in [
        (latin(&lines), vec![]),
        (latin(&crlf), vec![]),
        (latin(lines.trim_end()), vec!["register.no_final_line_end"]),
        (latin(&lines.replace("H2", "\nH2")), vec!["register.blank_lines"]),
        (latin(&format!("{lines};;;;;;;\n")), vec!["register.blank_row"]),
        (latin(&format!("{lines}\u{1a}")), vec!["register.blank_row", "register.no_final_line_end"]),
        (latin(&lines.replace('\n', ";\n")), vec![]),
        ([b"\xef\xbb\xbf", lines.as_bytes()].concat(), vec!["register.byte_order_mark"]),
        (lines.replace("H1", "Hå1").into_bytes(), vec!["register.encoding"]),
        (
            latin(&lines.replace("SKYDD\n", "SKYDD;EXTRA\n").replace(";N\n", ";N;x\n").replace(";J\n", ";J;\n")),
            vec!["register.unused_columns"],
        ),
    ] {
        let outcome = read_as(&super::super::mappings()["ber_household"], "BER_HUSHALL_2026-03-31.csv", &file);
        assert_eq!(outcome.accepted().rows.len(), 2, "{remarks:?}");
        assert_eq!(outcome.remarks(), remarks);
    }
}

#[test]
fn a_remark_is_made_once_for_each_column_with_its_number() {
    let file = ["H1;2025-08-15;;1;1;K;104;N\n", "H2;2025-08-15;;1;;K;104;N\n"].concat();
    let outcome = households(&format!("{}{file}", HOUSEHOLDS.split_inclusive('\n').next().unwrap()));
    let remarks = &outcome.accepted().summary.remarks;
    assert_eq!(remarks.len(), 2);
    assert_eq!(remarks[0].message, "no valid personal number (2 times, first here)");
    assert_eq!(remarks[0].position.to_string(), "line 2, column 16, VARDNADSHAVARE1, byte 98");
}

#[test]
fn an_extract_that_would_empty_its_register_is_refused() {
    let header = HOUSEHOLDS.split_inclusive('\n').next().unwrap();
    assert_eq!(households(header).refusal().code, "register.no_rows");
    let bad = format!("{header}H1;2025-99-99;;;;K1;104;N\n");
    assert_eq!(households(&bad).refusal().code, "register.no_good_rows");
}

#[test]
fn quoted_fields_hold_delimiters_quotes_and_line_ends() {
    let mapping = &super::super::mappings()["lois_rent_component"];
    let file = "Avtalsnr;Radnr;Radtyp;Belopp/mån;Fr o m;T o m;Avitext\r\n\
                \"A-1\";\"1\";\"TILLÄGG\";\"1 845,00\";20260115;00000000;\"Hyra;\r\n\"\"kök\"\"\"\r\n\
                \"A-1\";\"2\";\"HYRA\";\"-1,00\";20260115;;\r\n";
    let outcome = read_as(mapping, "LOIS_HYRESRAD_20260331.csv", file.as_bytes());
    let row = &outcome.accepted().rows[0];
    assert_eq!(
        (&row["text"], &row["valid_to"], &row["kind"]),
        (&json!("Hyra;\r\n\"kök\""), &Value::Null, &json!("supplement"))
    );
    let reject = outcome.only_reject();
    assert_eq!((reject.finding.code, reject.finding.position.line), ("register.range", Some(4)));
    assert_eq!((reject.amount, reject.currency.as_deref()), (None, Some("SEK")));
    assert_eq!(outcome.summary.totals[0].read, 184_500);
}

#[test]
fn a_file_without_header_is_read_by_numbers() {
    let toml = r#"
        contract = "ledger_balance"
        kind = "delimited"
        [dialect]
        delimiter = ","
        header = false
        fields = 4
        preamble = 1
        comment = "*"
        dates = ["%d.%m.%Y"]
        trailing_minus = true
        [extracted_on]
        file_names = ["{date:%Y%m%d}.txt"]
        [columns]
        department = { const = "104" }
        account = { from = 1 }
        period = { from = 2 }
        currency = { from = "3", default = "SEK" }
        opening_balance = { const = "0.00" }
        debit = { const = "0" }
        credit = { from = 4, implied_decimals = 2, negate = true }
        closing_balance = { const = "-1.5" }
        [trailer]
        marker = "end"
        count = 2
        sums = { credit = 3 }
        [total]
        column = "credit"
    "#;
    let mapping = Mapping::parse(toml, "saldo").unwrap();
    let file = b"Saldolista\n1512,202603,,12345-\n*\n1513,202603,EUR,5\nEND,2,12340-\n";
    let outcome = read_as(&mapping, "20260331.txt", file);
    let row = &outcome.accepted().rows[0];
    assert_eq!((&row["account"], &row["currency"], &row["credit"]), (&json!("1512"), &json!("SEK"), &json!("123.45")));
    assert_eq!(row["closing_balance"], "-1.50");
    // One declared sum for two currencies is compared, but shown at neither.
    let totals: Vec<_> = outcome.summary.totals.iter().map(|t| (t.currency.as_str(), t.read, t.declared)).collect();
    assert_eq!(totals, [("EUR", -5, None), ("SEK", 12_345, None)]);
}
