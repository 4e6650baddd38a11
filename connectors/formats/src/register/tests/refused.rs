use super::*;

#[track_caller]
fn code(outcome: &Outcome) -> &'static str {
    outcome.refusal().code
}

#[test]
fn a_header_that_lacks_a_column_names_it_the_found_ones_and_what_is_similar() {
    let outcome = households(&with(HOUSEHOLDS, "GILTIG_FROM", "GILTIG FRÅN"));
    let refusal = outcome.refusal();
    assert_eq!(refusal.code, "register.header");
    assert_eq!(
        refusal.message,
        "the header lacks GILTIG_FROM; it has HUSHALLSID, GILTIG FRÅN, GILTIG_TOM, VARDNADSHAVARE1, VARDNADSHAVARE2, \
         KUNDNR, SDF, SKYDD; similar: GILTIG_FROM ≈ GILTIG FRÅN"
    );
    assert_eq!(outcome.rows.len(), 0);
}

#[test]
fn a_file_without_its_header_does_not_show_its_first_row() {
    let rows = HOUSEHOLDS.split_once('\n').unwrap().1;
    let outcome = households(rows);
    let refusal = outcome.refusal();
    assert_eq!(refusal.code, "register.header");
    assert!(!refusal.message.contains("1890") && !refusal.message_sv.contains("1890"), "{}", refusal.message);
}

#[test]
fn another_delimiter_is_guessed_in_the_message() {
    let outcome = households(&HOUSEHOLDS.replace(';', "\t"));
    let refusal = outcome.refusal();
    assert!(refusal.message.ends_with("its fields seem to be separated by tab, not by `;`"), "{}", refusal.message);
}

#[test]
fn a_header_with_a_column_twice() {
    assert_eq!(code(&households(&with(HOUSEHOLDS, "GILTIG_TOM", "GILTIG_FROM"))), "register.header_ambiguous");
}

#[test]
fn an_empty_file() {
    for file in ["", "\n\n", "\u{feff}"] {
        let outcome = read_as(&super::super::mappings()["ber_household"], "2026-03-31", file.as_bytes());
        assert_eq!(code(&outcome), "register.empty");
    }
}

#[test]
fn a_name_without_the_date_of_the_extract() {
    let mapping = &super::super::mappings()["ber_household"];
    for name in ["-", "BER_HUSHALL.csv", "BER_2026-03-01_2026-03-31.csv"] {
        assert_eq!(code(&read_as(mapping, name, HOUSEHOLDS.as_bytes())), "register.extracted_on", "{name}");
    }
}

#[test]
fn rows_of_two_extracts_in_one_file() {
    let file = "UTTAGSDATUM;HUSHALLSID;GILTIG_FROM;GILTIG_TOM;VARDNADSHAVARE1;VARDNADSHAVARE2;KUNDNR;SDF;SKYDD\n\
                2026-02-28;H1;2025-08-15;;;;K1;104;N\n2026-03-31;H2;2025-08-15;;;;K1;104;N\n";
    assert_eq!(code(&households(file)), "register.extracted_on");
}

#[test]
fn another_number_of_rows_than_declared() {
    let outcome = items(&with(ITEMS, "SUMMA;2", "SUMMA;3"));
    assert_eq!(code(&outcome), "register.count");
    assert_eq!(outcome.refusal().message_sv, "filen anger 3 rader men innehåller 2");
    assert_eq!((outcome.summary.declared_records, outcome.summary.read_records), (Some(3), 2));
    assert_eq!(code(&items(&with(ITEMS, "SUMMA;2", "SUMMA;-2"))), "register.count");
}

#[test]
fn another_sum_than_declared() {
    let outcome = items(&with(ITEMS, "800,50", "800,51"));
    assert_eq!(code(&outcome), "register.sum");
    assert_eq!(outcome.refusal().message, "the file declares the sum 800.51 and its rows have 800.50");
    assert_eq!(outcome.refusal().position.to_string(), format!("line 4, REST, byte {}", latin(ITEMS).len() - 15));
}

#[test]
fn a_sum_is_compared_with_rejected_rows_too() {
    let file = with(&with(ITEMS, "2026-03-02", "2026-03-32"), "800,50", "1 000,50");
    assert_eq!(code(&items(&file)), "register.sum");
}

#[test]
fn a_file_that_is_cut_off() {
    assert_eq!(code(&items(ITEMS.split_once("SUMMA").unwrap().0)), "register.no_trailer");
    assert_eq!(code(&items(&ITEMS.replace("SUMMA;2;800,50", "SUMMA"))), "register.trailer");
    assert_eq!(code(&items(&ITEMS.replace("SUMMA;2;800,50", "SUMMA;2;kr"))), "register.trailer");
}

#[test]
fn rows_after_the_trailer() {
    let row = ITEMS.lines().nth(1).unwrap();
    assert_eq!(code(&items(&format!("{ITEMS}{row}\n"))), "register.after_trailer");
    assert_eq!(code(&items(&format!("{ITEMS}SUMMA;0;0\n"))), "register.after_trailer");
}

#[test]
fn a_quote_that_is_never_closed() {
    let mapping = &super::super::mappings()["ber_household"];
    let open = with(HOUSEHOLDS, "H1;", "\"H1;");
    assert_eq!(code(&read_as(mapping, "2026-03-31", &latin(&open))), "register.open_quote");
    let long = format!("{open}{}", "H3;2025-08-15;;;;K1;104;N\n".repeat(100_000));
    let outcome = read_as(mapping, "2026-03-31", &latin(&long));
    assert_eq!((code(&outcome), outcome.refusal().position.line), ("register.row_too_long", Some(2)));
}

#[test]
fn a_file_in_utf_16() {
    let bytes: Vec<u8> = std::iter::once(0xfeff).chain(HOUSEHOLDS.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    assert_eq!(code(&read_as(&super::super::mappings()["ber_household"], "2026-03-31", &bytes)), "register.utf16");
}

#[test]
fn an_input_that_fails_is_no_refusal() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("the line is dead"))
        }
    }
    let mapping = &super::super::mappings()["ber_household"];
    let result =
        parse(mapping, FileInfo { name: "2026-03-31", ..FileInfo::default() }, &mut Broken, &mut Keep::default());
    assert!(matches!(result, Err(ParseError::Read(_))));
}
