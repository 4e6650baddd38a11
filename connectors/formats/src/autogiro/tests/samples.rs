//! Bankgirot's own example files, and files of other programs.

use serde_json::json;

use crate::testing::{Outcome, sample, samples};

fn open(name: &str) -> Option<Outcome> {
    Some(sample("autogiro", &samples("autogiro")?, name))
}

const NEW: &str = "byrokrat__autogiro/new_layout/";
const OLD: &str = "byrokrat__autogiro/old_layout/";

#[test]
fn the_new_payment_specification_counts_only_what_was_carried_out() {
    let Some(outcome) = open(&format!("{NEW}autogiro_exempelfil_bet-spec-o-tk_sv.txt")) else { return };
    let outcome = outcome.accepted();
    assert_eq!(outcome.sum("payment_in", &[("kind", "payment")]), (5, 1_500_000));
    assert_eq!(outcome.sum("payment_in", &[("kind", "reversal")]), (2, -70_000));
    assert_eq!(outcome.sum("payment_status", &[("direction", "out"), ("status", "executed")]), (3, 300_000));
    assert_eq!(outcome.sum("payment_status", &[("direction", "out"), ("status", "stopped")]).0, 1);
    assert_eq!(outcome.sum("payment_status", &[("direction", "in"), ("status", "stopped")]).0, 2);
    assert_eq!(outcome.sum("payment_status", &[("direction", "in"), ("status", "pending")]).0, 1);
    assert_eq!(outcome.remarks(), ["autogiro.title", "autogiro.section_repeated"]);
    let ids: std::collections::BTreeSet<_> = outcome.column("payment_in", "deposit_id").into_iter().collect();
    assert_eq!(ids.len(), 3, "one deposit and two withdrawals");
}

#[test]
fn the_old_payment_specification_has_stopped_payments_in_its_totals() {
    let name = "autogiro_gl_betalningsspec-stoppadebetalningar-tackningskontroll_fran-bankgirot-medgivanden-bankgironummer_exempelfil_sv.txt";
    let Some(outcome) = open(&format!("{OLD}{name}")) else { return };
    let outcome = outcome.accepted();
    let (paid, stopped) = (outcome.sum("payment_in", &[]), outcome.sum("payment_status", &[("direction", "in")]));
    assert_eq!((paid.0 + stopped.0, paid.1 + stopped.1), (14, 547_500));
    assert_eq!(outcome.sum("payment_status", &[("direction", "out")]), (1, 1_687_400));
}

#[test]
fn refused_and_monitored_payments_have_their_published_sums() {
    let direction = |direction| [("direction", direction)];
    for (name, debits, credits) in [
        (format!("{NEW}autogiro_exempelfilavvisade_betalningsuppdrag_sv.txt"), (3, 87_551), (5, 128_200)),
        (format!("{NEW}autogiro_exempelfilutdrag-ur-bevakningsregistret_sv.txt"), (5, 655_055), (5, 231_625)),
        (
            format!("{OLD}autogiro_gl_avvisadebetaln_fran-bankgirot-medgivanden-bankgironummer_exempelfil_sv.txt"),
            (4, 95_000),
            (0, 0),
        ),
        (
            format!(
                "{OLD}autogiro_gl_exempelfil_avvisadebetalningar_fran-bankgirot-medgivanden-kontonummer_exemeplfil_sv.txt"
            ),
            (4, 95_000),
            (0, 0),
        ),
    ] {
        let Some(outcome) = open(&name) else { return };
        let outcome = outcome.accepted();
        assert_eq!(outcome.sum("payment_status", &direction("in")), debits, "{name}");
        assert_eq!(outcome.sum("payment_status", &direction("out")), credits, "{name}");
        let total = &outcome.summary.totals[0];
        assert_eq!((total.declared, total.rejected), (Some(total.read), 0), "{name}");
    }
}

#[test]
fn amendments_are_counted_by_what_became_of_them() {
    let name = format!("{NEW}autogiro_exempelfilermakuleringar_andringar-av-betalningar_sv.txt");
    let Some(outcome) = open(&name) else { return };
    let outcome = outcome.accepted();
    let of = |status| outcome.of("payment_status").iter().filter(|row| row["status"] == status).count();
    assert_eq!((of("cancelled"), of("changed"), of("unchanged")), (6, 4, 8));
    let Some(old) = open(&format!(
        "{OLD}autogiro_gl_exempelfil_makulering-andring_fran-bankgirot-medgivanden-kontonummer_exempelfil_sv.txt"
    )) else {
        return;
    };
    assert_eq!(old.accepted().sum("payment_status", &[]), (4, 95_000));
}

#[test]
fn mandates_are_as_many_as_published() {
    for (name, rows) in [
        (format!("{NEW}autogiro_exempelfiler_medgivandeavisering_sv.txt"), 10),
        (format!("{NEW}TEMP_autogiro_exempelfiler_medgivandeavisering_sv.txt"), 10),
        (
            format!(
                "{OLD}autogiro_gl_exempelfil_medgivandeavisering_fran-bankgirot-medgivanden-kontonummer_exemeplfil_sv.txt"
            ),
            7,
        ),
        (
            format!("{OLD}autogiro_gl_medgivandeavisering_fran-bankgirot-medgivanden-bankgironummer_exempelfil_sv.txt"),
            6,
        ),
        ("byrokrat__phpgiro/AGPLayoutE.txt".to_owned(), 7),
        (format!("{NEW}autogiro_exempelfil_nya_medgivanden_via_internetbank_sv.txt"), 4),
        (format!("{OLD}autogiro_gl_medgivanden_via_internetbanken_exempelfil_fran-bankgirot.txt"), 1),
        (format!("{NEW}autogiro_exempelfil-utdrag-ur-medgivanderegistret_sv.txt"), 7),
    ] {
        let Some(outcome) = open(&name) else { return };
        assert_eq!(outcome.accepted().of("mandate_event").len(), rows, "{name}");
    }
}

#[test]
fn an_application_and_a_row_of_the_register_are_read_whole() {
    let Some(internet) = open(&format!("{NEW}autogiro_exempelfil_nya_medgivanden_via_internetbank_sv.txt")) else {
        return;
    };
    let row = &internet.of("mandate_event")[0];
    assert_eq!(row["messages"], json!(["JAG ÖNSKAR BETALA MÅNADSVIS"]));
    assert_eq!(
        (&row["payer_name"], &row["payer_extra_name"]),
        (&json!("ANDERS JOHANSSON"), &json!("C/O ANNA NILSSON"))
    );
    assert_eq!((&row["payer_postcode"], &row["payer_city"]), (&json!("12838"), &json!("SKARPNÄCK")));
    let Some(register) = open(&format!("{NEW}autogiro_exempelfil-utdrag-ur-medgivanderegistret_sv.txt")) else {
        return;
    };
    let row = &register.of("mandate_event")[0];
    assert_eq!((&row["payer_number"], &row["payer_account"]), (&json!("101"), &json!("8901003232323232")));
    assert_eq!((&row["register"]["first_date"], &row["register"]["year"]), (&json!("1999-01-01"), &json!("08")));
}

#[test]
fn orders_to_bankgirot_and_payments_in_another_format_are_refused_as_such() {
    let Some(folder) = samples("autogiro/byrokrat__autogiro") else { return };
    let mut orders = 0;
    for layout in ["new_layout", "old_layout"] {
        for entry in std::fs::read_dir(folder.join(layout)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let is_order = name.contains("underlag") || name.contains("till-bankgirot");
            let outcome = sample("autogiro", &folder.join(layout), &name);
            let expected = if is_order {
                "autogiro.order"
            } else if name.contains("bg-max") {
                "autogiro.not_autogiro"
            } else {
                "accepted"
            };
            assert_eq!(outcome.verdict(), expected, "{name}: {:?}", outcome.summary.verdict);
            orders += usize::from(is_order);
        }
    }
    assert_eq!(orders, 10);
}
