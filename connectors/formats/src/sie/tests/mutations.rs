//! One change a rule: it gives that rule's finding, and no other.

use super::{EXPORT, export, sealed};
use crate::Verdict;

#[derive(Debug, Clone, Copy)]
enum Gives {
    Refusal(&'static str),
    Rejects(&'static str, usize),
    Remark(&'static str),
}
use Gives::{Refusal, Rejects, Remark};

const MUTATIONS: &[(&str, &str, Gives)] = &[
    ("#FLAGGA 0", "FLAGGA 0", Refusal("sie.not_sie")),
    ("#FLAGGA 0\r\n", "", Remark("sie.flag_missing")),
    ("#FLAGGA 0", "#FLAGGA 1", Remark("sie.flag_set")),
    ("#SIETYP 4", "#SIETYP 5", Refusal("sie.type")),
    ("{\r\n", "", Remark("sie.brace_missing")),
    ("#VER A 1 20260315 \"Inbetalning från köpare\" 20260316 AB\r\n{\r\n", "", Refusal("sie.order")),
    ("}\r\n", "", Refusal("sie.voucher_open")),
    ("#VER A 1", "}\r\n#VER A 1", Refusal("sie.order")),
    (
        "#IB 0 1930 1000.00\r\n#UB 0 1930 1500.5\r\n#RES 0 3010 -500.50\r\n#PSALDO 0 202603 3010 {1 \"10\"} -500.50\r\n",
        "",
        Refusal("sie.import_file"),
    ),
    ("#RAR 0 20260101 20261231", "#RAR 0", Remark("sie.incomplete")),
    ("#KTYP 1930 T", "#KTYP 1930 X", Remark("sie.incomplete")),
    ("#KONTO 3010", "#NYTT 3010", Remark("sie.unknown_record")),
    ("\"Rad 1\"", "\"Rad 1", Remark("sie.quote")),
    ("#IB 0 1930 1000.00", "#IB 0 1930 1000,00", Remark("sie.decimal_comma")),
    ("#IB 0 1930 1000.00", "#IB 0 1930 1000.001", Rejects("sie.balance_amount", 1)),
    ("#IB 0 1930", "#IB x 1930", Rejects("sie.year", 1)),
    ("#PSALDO 0 202603", "#PSALDO 0 202613", Rejects("sie.period", 1)),
    ("#IB 0 1930 1000.00", "#IB 0", Rejects("sie.account", 1)),
    ("#TRANS 1930 {} 500.50", "#TRANS 1930 {} 500.51", Rejects("sie.voucher_sum", 2)),
    ("#TRANS 1930 {} 500.50", "#TRANS 1930 {} 5OO", Rejects("sie.amount", 2)),
    ("#TRANS 1930 {}", "#TRANS \"\" {}", Rejects("sie.account", 2)),
    ("#VER A 1 20260315", "#VER A 1 20260230", Rejects("sie.voucher_date", 2)),
    ("#VER A 1", "#VER A \"\"", Remark("sie.voucher_number")),
    ("#VER A 1", "#VER A 1 20260315\r\n{\r\n}\r\n#VER A 2", Remark("sie.voucher_empty")),
    (
        "\t#TRANS 3010 {1 \"10\" 6 \"P 1\"} -500.50 \"\" \"\" 2\r\n",
        "\t#RTRANS 3010 {} 1\r\n\t#TRANS 3010 {} -500.50\r\n",
        Remark("sie.added_row"),
    ),
];

#[test]
fn every_change_gives_its_finding() {
    let unchanged = export(&sealed(EXPORT)).remarks();
    for (from, to, gives) in MUTATIONS {
        assert!(EXPORT.contains(from), "{from}");
        let outcome = export(&sealed(&EXPORT.replacen(from, to, 1)));
        match gives {
            Refusal(code) => {
                let finding = outcome.refusal();
                assert_eq!(finding.code, *code, "{from}: {finding:?}");
                assert!(
                    !finding.message.is_empty() && !finding.message_sv.is_empty() && finding.position.line.is_some()
                );
            }
            Rejects(code, count) => {
                assert_eq!(outcome.summary.verdict, Verdict::Accepted, "{from}");
                assert_eq!(outcome.reject_codes(), vec![*code; *count], "{from}");
            }
            Remark(code) => {
                assert_eq!((&outcome.summary.verdict, outcome.rejects.len()), (&Verdict::Accepted, 0), "{from}");
                let mut codes = outcome.remarks();
                codes.retain(|code| !unchanged.contains(code));
                assert_eq!(codes, [*code], "{from}");
            }
        }
    }
}

#[test]
fn a_checksum_must_be_right_and_closed() {
    let sealed = sealed(EXPORT);
    assert_eq!(export(&sealed).summary.verdict, Verdict::Accepted);
    assert_eq!(export(&sealed.replace("Rad 1", "Rad 2")).refusal().code, "sie.checksum");
    let end = sealed.rfind("#KSUMMA").unwrap();
    assert_eq!(export(&sealed[..end]).refusal().code, "sie.checksum_missing");
    assert_eq!(export(&sealed.replacen("#KSUMMA\r\n", "", 1)).refusal().code, "sie.checksum_unopened");
    let undated = EXPORT.replace("#GEN 20260402\r\n", "").replace("#OMFATTN 20260331\r\n", "");
    assert_eq!(export(&undated).refusal().code, "sie.date");
    let twice = sealed.replace("#VER A 1", "#VER A 1 20260315\r\n{\r\n}\r\n#VER A 1");
    let twice = super::sealed(&twice.replace(&sealed[end..], "#KSUMMA 0\r\n"));
    assert_eq!(export(&twice).remarks(), ["sie.voucher_empty", "sie.removed_rows", "sie.voucher_repeated"]);
    assert_eq!(export("").refusal().code, "sie.not_sie");
    assert_eq!(export(&"x".repeat(10_000)).refusal().code, "sie.not_sie");
    assert_eq!(export(&format!("#FLAGGA 0\n#{}", "x".repeat(10_000))).refusal().code, "sie.line_length");
}
