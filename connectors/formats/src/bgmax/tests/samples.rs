//! Files that no one in this project wrote, with the values that their owners assert. They are not part of this
//! repository; where their folder is missing, these tests say so and do nothing.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Outcome, read};

#[expect(clippy::print_stderr, reason = "a skipped oracle is said aloud")]
fn folder() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/samples/bank");
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("SKIPPED: there is no folder of public sample files at {}", folder.display());
    None
}

/// A deposit: payments, sum in the smallest unit, currency.
type Deposit = (usize, i128, &'static str);

struct Sample {
    path: &'static str,
    deposits: &'static [Deposit],
    /// TK20, TK21, TK22 and TK23 together.
    records: (usize, usize, usize),
}

const JACOB: &str = "bgmax/jacob22__accounting/";
const EXAMPLE_3: &str = "bankgiroinbetalningar_exempelfil_avtal-om-ocr-kontroll_checksiffra_langd_sv.txt";

const FIL_1: &[Deposit] = &[(5, 85_000, "SEK")];
const FIL_2: &[Deposit] = &[(2, 150_000, "EUR"), (4, 210_000, "SEK")];
const FIL_3: &[Deposit] = &[(3, 190_000, "SEK"), (4, 800_000, "SEK"), (2, 400_000, "EUR")];
const FIL_4: &[Deposit] = &[(2, 370_000, "SEK"), (1, 200_000, "SEK"), (4, 290_000, "SEK"), (2, 400_000, "EUR")];
const FIL_5: &[Deposit] = &[(6, 353_300, "SEK")];
const AUTOGIRO: &[Deposit] = &[(4, 70_000, "SEK")];

fn samples() -> Vec<Sample> {
    let jacob = |name, deposits, records| Sample { path: name, deposits, records };
    vec![
        jacob("BgMaxfil1.txt", FIL_1, (5, 0, 0)),
        jacob("bginbetalningar_exempelfil_5.txt", FIL_1, (5, 0, 0)),
        jacob("BgMaxfil2.txt", FIL_2, (6, 0, 3)),
        jacob("bginbetalningar_exempelfil_4.txt", FIL_2, (6, 0, 3)),
        jacob("BgMaxfil3.txt", FIL_3, (8, 1, 8)),
        jacob("bginbetalningar_exempelfil_3.txt", FIL_3, (8, 1, 9)),
        jacob("BgMaxfil4.txt", FIL_4, (9, 0, 13)),
        jacob("BgMaxfil5.txt", FIL_5, (6, 0, 10)),
        jacob("bginbetalningar_exempelfil_2.txt", FIL_5, (6, 0, 10)),
        jacob("bginbetalningar_exempelfil_1.txt", &FIL_4[..3], (7, 0, 9)),
        Sample { path: "richardolsson__pybgmax/multipayment.txt", deposits: AUTOGIRO, records: (4, 0, 0) },
        Sample { path: "rickardlindgren__BgMax/", deposits: FIL_3, records: (8, 1, 9) },
        Sample { path: "dmitry-krasilnikov__tree-sitter-bgmax/", deposits: &FIL_3[..2], records: (6, 1, 6) },
        Sample {
            path: "../autogiro/byrokrat__autogiro/new_layout/autogiro_exempelfil_bg-max-forma_sv.txt",
            deposits: AUTOGIRO,
            records: (4, 0, 0),
        },
        Sample {
            path: "../autogiro/byrokrat__phpgiro/autogiro_bg_max_formmat.txt",
            deposits: AUTOGIRO,
            records: (4, 0, 0),
        },
    ]
}

fn open(folder: &Path, path: &str) -> Outcome {
    let path = match path {
        path if path.ends_with('/') => format!("bgmax/{path}{EXAMPLE_3}"),
        path if path.contains('/') => format!("bgmax/{path}"),
        name => format!("{JACOB}{name}"),
    };
    read(&std::fs::read(folder.join(&path)).unwrap_or_else(|error| panic!("{path}: {error}")))
}

fn ore(value: &Value) -> i128 {
    schemas::money::parse_decimal(value.as_str().unwrap(), 2).unwrap()
}

#[test]
fn every_public_sample_gives_its_published_deposits_and_counts() {
    let Some(folder) = folder() else { return };
    for sample in samples() {
        let outcome = open(&folder, sample.path);
        let name = sample.path;
        assert_eq!(outcome.verdict(), "accepted", "{name}: {:?}", outcome.summary.verdict);
        assert!(outcome.rejects.is_empty(), "{name}: {:?}", outcome.rejects);
        let mut deposits: Vec<(String, usize, i128, String)> = Vec::new();
        for row in &outcome.rows {
            let (id, amount) = (row["deposit_id"].as_str().unwrap(), ore(&row["amount"]));
            match deposits.last_mut().filter(|last| last.0 == id) {
                Some(last) => {
                    last.1 += 1;
                    last.2 += amount;
                }
                None => deposits.push((id.to_owned(), 1, amount, row["currency"].as_str().unwrap().to_owned())),
            }
        }
        let deposits: Vec<_> = deposits.iter().map(|(_, n, sum, currency)| (*n, *sum, currency.as_str())).collect();
        assert_eq!(deposits, sample.deposits, "{name}");
        let deductions = outcome.rows.iter().filter(|row| row["kind"] == "deduction").count();
        let references: usize = outcome.rows.iter().map(|row| row["references"].as_array().unwrap().len()).sum();
        assert_eq!((outcome.rows.len() - deductions, deductions, references), sample.records, "{name}");
        let summary = &outcome.summary;
        assert_eq!(summary.declared_records, Some(outcome.rows.len() as u64), "{name}");
        assert!(!summary.test);
        for total in &summary.totals {
            let declared: i128 = sample.deposits.iter().filter(|d| d.2 == total.currency).map(|d| d.1).sum();
            assert_eq!((total.declared, total.read, total.rejected), (Some(declared), declared, 0), "{name}");
        }
        let mut ids = outcome.column("payment_id");
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), outcome.rows.len(), "{name}: payments share an identity");
    }
}

#[test]
fn the_rows_that_other_readers_assert_are_read_the_same() {
    let Some(folder) = folder() else { return };
    let fil_2 = open(&folder, "BgMaxfil2.txt");
    let first = &fil_2.rows[0];
    assert_eq!(
        (&first["reference"], &first["sender_account"], &first["amount"]),
        (&"65599".into(), &"3783511".into(), &"700.00".into())
    );

    let fil_4 = open(&folder, "BgMaxfil4.txt");
    let references = |row: usize| -> Vec<&str> {
        let references = fil_4.rows[row]["references"].as_array().unwrap().iter();
        references.filter(|r| r["negative"] == false).map(|r| r["reference"].as_str().unwrap()).collect()
    };
    assert_eq!(references(0), ["665760", "665869", "665661", "657775"]);
    let second = &fil_4.rows[1];
    assert_eq!(second["reference"], "524967");
    assert_eq!(second["amount"], "1900.00");
    assert_eq!(second["sender_account"], "97012333");
    assert_eq!(second["payer_name"], "Olles färg AB");
    let sixth = &fil_4.rows[5];
    assert_eq!(sixth["reference"], "535765");
    assert_eq!(sixth["amount"], "500.00");
    assert_eq!(sixth["currency"], "SEK");
    assert_eq!(sixth["payment_date"], "2004-05-25");
    assert_eq!(sixth["payment_id"], "bgmax:2004:000000000023");
    assert_eq!(references(6), ["7495575", "695668", "8988777"]);
    assert_eq!(fil_4.rows[6]["references"][3]["amount"], "-500.00");
}

/// Samples in other encodings, with tabs or with other line ends say what the untouched ones say.
#[test]
fn copies_of_one_file_in_other_clothes_give_the_same_rows() {
    let Some(folder) = folder() else { return };
    let rows = |path: &str| -> Vec<Value> {
        let outcome = open(&folder, path);
        let places = ["byte_start", "byte_end", "references"];
        let without_places = |row: serde_json::Map<String, Value>| {
            row.into_iter().filter(|(name, _)| !places.contains(&name.as_str())).collect::<serde_json::Map<_, _>>()
        };
        outcome.rows.into_iter().map(|row| Value::Object(without_places(row))).collect()
    };
    assert_eq!(rows("bginbetalningar_exempelfil_3.txt"), rows("rickardlindgren__BgMax/"));
    let utf_8 = rows("dmitry-krasilnikov__tree-sitter-bgmax/");
    assert_eq!(utf_8[0]["payer_name"], "Kalles Plåt AB");
    assert_eq!(utf_8[0]["payer_city"], "Storåker");
}

#[test]
fn files_that_only_look_like_bgmax_are_refused() {
    let Some(folder) = folder() else { return };
    for name in ["someInvalidTransaktionskoder.txt", "validTransaktionskoder.txt"] {
        let outcome = open(&folder, &format!("rickardlindgren__BgMax/{name}"));
        assert_eq!(outcome.verdict(), "bgmax.receiver_account", "{name}");
        assert!(outcome.rows.is_empty());
    }
}

/// The raw fields that another parser cuts from its examples are those that stand in the rows.
#[test]
fn fields_are_cut_where_another_parser_cuts_them() {
    let Some(folder) = folder() else { return };
    let path = folder.join("bgmax/fabhed__bgmax-parser/expected_raw_fields.json");
    let expected: Vec<Value> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let of = |kind: &str| expected.iter().find(|record| record["tk"] == kind).unwrap();
    let outcome = open(&folder, "bginbetalningar_exempelfil_3.txt");
    let text = |value: &Value| value.as_str().unwrap().trim().to_owned();
    let number = |value: &Value| text(value).trim_start_matches('0').to_owned();
    let optional = |value: &Value| Some(text(value)).filter(|text| !text.is_empty()).map_or(Value::Null, Value::from);

    for (kind, row) in [("20", &outcome.rows[0]), ("21", &outcome.rows[1])] {
        let fields = of(kind);
        assert_eq!(row["sender_account"], number(&fields["senderBankgiroNumber"]), "{kind}");
        assert_eq!(row["reference"], text(&fields["reference"]), "{kind}");
        assert_eq!(ore(&row["amount"]).unsigned_abs().to_string(), number(&fields["paymentAmount"]), "{kind}");
        assert_eq!(row["reference_code"].to_string(), text(&fields["referenceCode"]), "{kind}");
        assert_eq!(row["channel"], if fields["paymentMethod"] == "2" { "lb" } else { "" }, "{kind}");
        assert_eq!(row["bank_reference"], fields["BGCSerialNumber"], "{kind}");
        assert_eq!(row["has_image"], fields["aviImage"] == "1", "{kind}");
    }
    assert_eq!(outcome.rows[1]["deduction_code"].to_string(), text(&of("21")["deductionCode"]));
    let row = &outcome.rows[0];
    assert_eq!(row["receiver_account"], number(&of("05")["recipientBankgiroNumber"]));
    assert_eq!(row["currency"], of("05")["currency"]);
    assert_eq!(row["payer_name"], text(&of("26")["payerName"]));
    assert_eq!(row["payer_extra_name"], optional(&of("26")["extraNameField"]));
    assert_eq!(row["payer_street"], text(&of("27")["payerAddress"]));
    assert_eq!(row["payer_postcode"], text(&of("27")["payerPostalCode"]));
    assert_eq!(row["payer_city"], text(&of("28")["payerAddress"]));
    assert_eq!(row["payer_country"], optional(&of("28")["payerCountry"]));
    assert_eq!(row["payer_country_code"], optional(&of("28")["payerCountryCode"]));
    assert_eq!(row["payer_identity"], of("29")["organisationNumber"]);
}
