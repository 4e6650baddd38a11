//! AP01, AP09, AP10: duplicates, VAT shares and balance rules of e-invoices.

use std::collections::{BTreeMap, BTreeSet};

use city::truth::{DocumentKey, DuplicateClass, DuplicateTruth, Truth, VatCause};

use crate::folder::Folder;
use crate::row::Row;
use crate::score::{Score, keyed};

const fn class(class: DuplicateClass) -> Option<&'static str> {
    match class {
        DuplicateClass::Exact => Some("dup_exact"),
        DuplicateClass::Strong => Some("dup_strong"),
        DuplicateClass::Suspect => Some("dup_suspect"),
        DuplicateClass::CreditOfInvoice
        | DuplicateClass::SameNumberOtherSupplier
        | DuplicateClass::Recurring
        | DuplicateClass::FarApart
        | DuplicateClass::OutsideWindow => None,
    }
}

const fn cause(cause: VatCause) -> &'static str {
    match cause {
        VatCause::Exempt => "no_vat_exempt",
        VatCause::ReverseCharge => "reverse_charge",
        VatCause::MixedRates => "mixed_rates",
        VatCause::ArithmeticError => "arithmetic_error",
        VatCause::NetZero => "no_amount",
    }
}

/// Documents by the identity that the jobs give them: an e-invoice is one document a file.
struct Documents<'t>(BTreeMap<&'t str, String>);

impl<'t> Documents<'t> {
    fn new(truth: &'t Truth) -> Self {
        Self(truth.files.iter().map(|file| (file.path.as_str(), format!("{}:1", file.sha256))).collect())
    }

    fn id(&self, document: &DocumentKey) -> String {
        self.0[document.file.as_str()].clone()
    }

    /// Which of two documents came first is no matter of the pair.
    fn pair(&self, pair: &DuplicateTruth) -> BTreeSet<String> {
        [self.id(&pair.first), self.id(&pair.second)].into()
    }
}

pub fn score(score: &mut Score, folder: &Folder, truth: &Truth) {
    let documents = Documents::new(truth);

    let expected = keyed(
        truth.duplicates.iter().map(|pair| (documents.pair(pair), class(pair.class).unwrap_or_default().to_owned())),
    );
    let pairs = folder.query("select first_document, second_document, class from ap_duplicate_invoice");
    let pair = |row: &Row| BTreeSet::from([row.text("first_document"), row.text("second_document")]);
    let found = keyed(pairs.iter().map(|row| (pair(row), row.text("class"))));
    score.compare("exceptions: duplicate invoices (AP01)", &expected, &found);
    let near: BTreeMap<_, _> =
        truth.near_misses.iter().map(|pair| (documents.pair(pair), format!("{:?}", pair.class))).collect();
    let mistaken = near.iter().filter(|(pair, _)| found.contains_key(*pair)).map(|(pair, class)| (pair.clone(), class));
    score.compare("near misses listed as duplicates (AP01)", &BTreeMap::new(), &mistaken.collect());
    assert!(near.len() >= 10, "the city has near misses of every kind");

    let expected = keyed(truth.vat_shares.iter().map(|share| {
        let (vat, net) = (share.vat_ore, share.net_ore);
        (documents.id(&share.document), (share.document.invoice_no.clone(), cause(share.cause).to_owned(), net, vat))
    }));
    let found = keyed(folder.query("select * from ap_vat_share").iter().map(|row| {
        let share = (row.text("invoice_no"), row.text("cause"), row.ore("net"), row.ore("vat"));
        (row.text("document_id"), share)
    }));
    score.compare("VAT shares out of bounds (AP09)", &expected, &found);

    let expected = keyed(truth.balances.iter().map(|broken| {
        let rule = serde_json::to_value(broken.rule).unwrap().as_str().unwrap().to_owned();
        ((documents.id(&broken.document), rule), (broken.document.seller_key.clone(), broken.difference_ore))
    }));
    let found = keyed(
        folder
            .query("select * from ap_einvoice_unbalanced")
            .iter()
            .map(|row| ((row.text("document_id"), row.text("rule")), (row.text("seller_key"), row.ore("difference")))),
    );
    score.compare("exceptions: broken balance rules (AP10)", &expected, &found);
}
