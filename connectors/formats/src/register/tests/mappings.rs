use super::*;

const GOOD: &str = include_str!("../../../../registers/erp_customer_item.toml");

#[track_caller]
fn problems(toml: &str) -> String {
    Mapping::parse(toml, "changed").expect_err("the change is refused").to_string()
}

#[track_caller]
fn is_refused(from: &str, to: &str, with_words: &str) {
    let problems = problems(&with(GOOD, from, to));
    assert!(problems.contains(with_words), "{problems}");
}

#[test]
fn everything_that_is_missing_is_listed_at_once() {
    let toml = with(&with(GOOD, "customer_id = ", "costumer_id = "), "account = { from = \"KONTO\" }\n", "");
    let problems = problems(&toml);
    assert_eq!(
        problems,
        "mapping changed: column costumer_id: customer_item has no such column; did you mean customer_id?; these columns \
         may not be null and have no source: customer_id, account"
    );
}

#[test]
fn unknown_keys_and_words_are_errors() {
    is_refused("delimiter = ", "delimeter = ", "unknown field `delimeter`");
    is_refused("{ from = \"KONTO\" }", "{ form = \"KONTO\" }", "unknown field `form`");
    is_refused("encoding = \"windows-1252\"", "encoding = \"ansi\"", "unknown variant `ansi`");
    is_refused("kind = \"delimited\"", "kind = \"csv\"", "unknown variant `csv`");
    is_refused("check = \"ocr\"", "check = \"luhn\"", "unknown variant `luhn`");
    is_refused("contract = \"customer_item\"", "contract = \"item\"", "no such contract; there are: ");
}

#[test]
fn options_that_do_not_fit_their_column_are_errors() {
    is_refused("{ from = \"KONTO\" }", "{ from = \"KONTO\", const = \"1\" }", "either `from` or `const`");
    is_refused("{ from = \"KONTO\" }", "{ }", "either `from` or `const`");
    is_refused("{ from = \"KONTO\" }", "{ from = [] }", "`from` names no header");
    is_refused("{ from = \"KONTO\" }", "{ from = \"KONTO\", negate = true }", "are for amounts");
    is_refused("{ from = \"KONTO\" }", "{ from = \"KONTO\", on_invalid = \"remark\" }", "`on_invalid` needs a `check`");
    is_refused("{ from = \"KONTO\" }", "{ from = \"KONTO\", optional = true }", "needs a `default`");
    is_refused("{ from = \"KONTO\" }", "{ from = \"KONTO\", minimum = \"1\" }", "limits are for numbers");
    is_refused("{ from = \"BELOPP\" }", "{ from = \"BELOPP\", check = \"ocr\" }", "are for texts");
    is_refused("{ from = \"BELOPP\" }", "{ from = \"BELOPP\", default = \"0,5\" }", "`0,5` is no value of the column");
    is_refused("{ from = \"BELOPP\" }", "{ const = \"0.005\" }", "`0.005` is no value of the column");
    is_refused("{ from = \"FAKTURADATUM\" }", "{ const = \"20260331\" }", "`20260331` is no value of the column");
}

#[test]
fn dialects_that_contradict_themselves_are_errors() {
    is_refused("thousands = \" \"", "thousands = \",\"", "also separates thousands");
    is_refused("delimiter = \";\"", "delimiter = \"\\\"\"", "must differ");
    is_refused("delimiter = \";\"", "delimiter = \"å\"", "must be an ASCII character");
    is_refused("dates = [\"%Y-%m-%d\", \"%Y%m%d\"]", "", "no date format is declared");
    is_refused("dates = [\"%Y-%m-%d\", \"%Y%m%d\"]", "dates = [\"%y%m%d\"]", "date format `%y%m%d`");
    is_refused("decimal = \",\"", "decimal = \",\"\nfields = 3", "only for files without a header");
    is_refused("decimal = \",\"", "decimal = \",\"\nheader = false", "must say how many fields");
    is_refused("decimal = \",\"", "decimal = \",\"\nheader = false\nfields = 3", "must be a number from 1 to 3");
}

#[test]
fn a_register_needs_the_date_of_its_extract_and_nothing_else_has_one() {
    let extracted_on =
        "[extracted_on]\ncolumns = [\"UTTAGSDATUM\"]\nfile_names = [\"*{date:%Y%m%d}*\", \"*{date:%Y-%m-%d}*\"]\n";
    is_refused(extracted_on, "", "must say where its date stands");
    is_refused(extracted_on, "", "needs [extracted_on]: numbers of ten digits");
    is_refused(extracted_on, "[extracted_on]\n", "needs `columns` or `file_names`");
    is_refused("*{date:%Y%m%d}*", "*%Y%m%d*", "has no {date:…}");
    is_refused("[columns]\n", "[columns]\nextracted_on = { from = \"DATUM\" }\n", "is declared in [extracted_on]");
    let statement = include_str!("../../../../registers/bank_statement.toml");
    let problems = problems(&with(statement, "[columns]\n", &format!("{extracted_on}[columns]\n")));
    assert!(problems.contains("is no register extract"), "{problems}");
}

#[test]
fn trailers_and_totals_name_amounts() {
    is_refused("sums = { remaining = 3 }", "sums = { account = 3 }", "account is no amount column");
    is_refused("sums = { remaining = 3 }", "sums = { remaining = 1 }", "the first holds the marker");
    is_refused("count = 2\nsums = { remaining = 3 }", "", "neither `count` nor `sums`");
    is_refused("marker = \"SUMMA\"", "marker = \" \"", "the marker is empty");
    is_refused("column = \"remaining\"", "column = \"rest\"", "rest is no amount column");
    is_refused("column = \"remaining\"", "column = \"remaining\"\ncurrency = \"SEK\"", "has a currency column");
    let component = include_str!("../../../../registers/lois_rent_component.toml");
    let problems = problems(&with(component, "currency = \"SEK\"\n", ""));
    assert!(problems.contains("has no currency column"), "{problems}");
}
