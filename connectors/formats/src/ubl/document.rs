//! What a document must say to become a row, and what is made of its parts.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use schemas::money;

use crate::Finding;
use crate::columns::{Columns, DOCUMENT, GroupId, Put, Target, number};
use crate::xml::{Paths, Place, Stop};

use super::fault::{missing, wrong};
use super::map::{Aside, Closing};

/// Faults told of one document; further ones are only counted.
const MOST_FAULTS: usize = 20;
/// `DocumentTypeCode` of an invoiced object (BT-18).
const INVOICED_OBJECT: &str = "130";
/// `DocumentTypeCode` of a project (BT-11), which only a credit note gives this way.
const PROJECT: &str = "50";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Invoice,
    CreditNote,
}

/// A `TaxTotal/TaxAmount`.
struct TaxTotal {
    amount: i128,
    currency: String,
    place: Place,
}

/// A document while it is read.
pub(super) struct Document {
    pub(super) kind: Kind,
    pub(super) columns: Columns,
    /// Why the document is rejected, in the order found.
    pub(super) faults: Vec<Finding>,
    further_faults: usize,
    pub(super) remarks: Vec<Finding>,
    root: Place,
    tax_totals: Vec<TaxTotal>,
    /// Distinct currencies of amounts, each with where it was first met.
    currencies: Vec<(String, Place, String)>,
    without_currency: Paths,
    pub(super) ignored: Paths,
    asides: [String; 3],
}

impl Document {
    pub(super) fn new(kind: Kind, columns: Columns, root: Place) -> Self {
        Self {
            kind,
            columns,
            faults: Vec::new(),
            further_faults: 0,
            remarks: Vec::new(),
            root,
            tax_totals: Vec::new(),
            currencies: Vec::new(),
            without_currency: Paths::default(),
            ignored: Paths::default(),
            asides: Default::default(),
        }
    }

    const fn root_name(&self) -> &'static str {
        match self.kind {
            Kind::Invoice => "/Invoice",
            Kind::CreditNote => "/CreditNote",
        }
    }

    pub(super) fn fault(&mut self, finding: Finding) {
        if self.faults.len() < MOST_FAULTS {
            self.faults.push(finding);
        } else {
            self.further_faults += 1;
        }
    }

    /// Takes a value; a wrong one is a fault.
    pub(super) fn value(&mut self, target: Target, text: &str, place: Place, path: &str) -> Result<(), Stop> {
        match self.columns.put(target, text) {
            Put::Stored => {}
            Put::Wrong(why) => self.fault(wrong(place, path, why)),
            Put::Differs if self.columns.layout().decides(target) => self.fault(place.finding(
                "ubl.contradiction",
                path,
                "the element stands twice with different values",
                "elementet förekommer två gånger med olika värden",
            )),
            Put::Same | Put::Differs => self.ignored.count(path, place),
            Put::Full => {
                return Err(place.refuse(
                    "ubl.too_large",
                    path,
                    "the document holds more than can be kept in memory",
                    "dokumentet innehåller mer än vad som kan hållas i minnet",
                ));
            }
        }
        Ok(())
    }

    /// Notes the currency of an amount; it is compared with the document's at the end.
    pub(super) fn currency_met(&mut self, currency: &str, place: Place, path: &str) {
        if currency.is_empty() {
            self.without_currency.count(path, place);
        } else if !self.currencies.iter().any(|(met, ..)| met == currency) && self.currencies.len() < MOST_FAULTS {
            self.currencies.push((currency.to_owned(), place, path.to_owned()));
        }
    }

    /// Takes a tax total of the document; which column it belongs to shows when both currencies are known.
    pub(super) fn tax_total(&mut self, text: &str, currency: &str, place: Place, path: &str) {
        match number(text, money::PRECISION, 2) {
            Ok(amount) => self.tax_totals.push(TaxTotal { amount, currency: currency.to_owned(), place }),
            Err(why) => self.fault(wrong(place, path, why)),
        }
    }

    pub(super) fn set_aside(&mut self, aside: Aside, text: &str) {
        let kept = &mut self.asides[aside as usize];
        kept.clear();
        kept.push_str(text);
    }

    /// Takes what was set aside.
    fn aside(&mut self, aside: Aside) -> String {
        std::mem::take(&mut self.asides[aside as usize])
    }

    /// A `PartyTaxScheme` ended: a VAT number, or another registration such as F-skatt.
    pub(super) fn party_tax(&mut self, vat: Target, other: Target, place: Place, path: &str) -> Result<(), Stop> {
        let company = self.aside(Aside::TaxCompany);
        let scheme = self.aside(Aside::TaxScheme);
        if company.is_empty() {
            return Ok(());
        }
        self.value(if scheme.eq_ignore_ascii_case("VAT") { vat } else { other }, &company, place, path)
    }

    /// An item of a list ended.
    pub(super) fn close_item(&mut self, group: GroupId, closing: Closing, place: Place, path: &str) {
        match closing {
            Closing::Keep => {}
            Closing::Payment => {
                self.giro_digits(group);
                self.due_date_from_payment(group);
            }
            Closing::Document => {
                let code = self.aside(Aside::DocumentType);
                let holds_nothing = ["uri", "sha256"].iter().all(|name| self.column_is_empty(group, name));
                let project = code == PROJECT && self.kind == Kind::CreditNote;
                if (code == INVOICED_OBJECT || project) && holds_nothing {
                    self.columns.discard(group);
                    self.ignored.count(&format!("{path}[cbc:DocumentTypeCode='{code}']"), place);
                    return;
                }
            }
        }
        let lacking: Vec<_> = self.columns.missing(group).collect();
        for name in lacking {
            self.fault(missing(place, path, &format!("{name} in it"), &format!("uppgiften {name}")));
        }
        self.columns.close(group);
    }

    fn giro_digits(&mut self, group: GroupId) {
        let (Some(account), Some(branch)) =
            (self.columns.layout().target(group, "account"), self.columns.layout().target(group, "branch"))
        else {
            return;
        };
        let giro = self.columns.text(branch).is_some_and(|branch| {
            branch.eq_ignore_ascii_case("SE:BANKGIRO") || branch.eq_ignore_ascii_case("SE:PLUSGIRO")
        });
        let digits = self.columns.text(account).filter(|_| giro).map(digits).unwrap_or_default();
        if !digits.is_empty() {
            self.columns.replace_text(account, &digits);
        }
    }

    fn column_is_empty(&self, group: GroupId, name: &str) -> bool {
        self.columns.layout().target(group, name).is_none_or(|target| self.columns.is_empty(target))
    }

    fn text(&self, group: GroupId, name: &str) -> Option<&str> {
        self.columns.text(self.columns.layout().target(group, name)?)
    }

    fn party(&self, role: &str) -> Option<GroupId> {
        self.columns.layout().group_in(self.columns.layout().target(DOCUMENT, role)?)
    }

    /// The document's currency, when it names one.
    pub(super) fn currency(&self) -> Option<String> {
        self.text(DOCUMENT, "currency").map(str::to_owned)
    }

    /// The amount payable in the smallest unit, as it counts: that of a credit note is subtracted.
    pub(super) fn payable(&self) -> Option<i128> {
        let payable = self.columns.number(self.columns.layout().target(DOCUMENT, "payable")?)?;
        Some(match self.kind {
            Kind::Invoice => payable,
            Kind::CreditNote => -payable,
        })
    }

    /// The document ended at byte `end` of the file: checks it as a whole and makes its row.
    pub(super) fn finish(&mut self, end: u64) -> Result<Option<Finding>, Stop> {
        self.derive(end);
        self.check_required();
        self.check_currencies();
        self.place_tax_totals();
        let remarks = [
            self.without_currency.remark(
                "ubl.amount_without_currency",
                "amounts name no currency and are taken as the document's",
                "belopp saknar valuta och antas ha dokumentets",
            ),
            self.ignored.remark(
                "ubl.not_kept",
                "elements say again or beside what the contract holds and are not kept",
                "element upprepar eller går utöver vad kontraktet rymmer och sparas inte",
            ),
        ];
        self.remarks.extend(remarks.into_iter().flatten());
        if self.faults.is_empty() {
            return Ok(None);
        }
        let mut faults = std::mem::take(&mut self.faults);
        let first = faults.remove(0);
        if self.further_faults > 0 {
            let more = self.further_faults;
            faults.push(self.root.finding(
                "ubl.further_faults",
                self.root_name(),
                format!("{more} further faults"),
                format!("ytterligare {more} fel"),
            ));
        }
        self.remarks.extend(faults);
        Ok(Some(first))
    }

    /// The batch of one row.
    pub(super) fn into_row(mut self) -> Result<RecordBatch, ArrowError> {
        self.columns.close(DOCUMENT);
        self.columns.finish()
    }

    /// Fills the columns that are not read but derived.
    fn derive(&mut self, end: u64) {
        let put = |columns: &mut Columns, name: &str, value: u64| {
            if let Some(target) = columns.layout().target(DOCUMENT, name) {
                columns.put_long(target, i64::try_from(value).unwrap_or(i64::MAX));
            }
        };
        put(&mut self.columns, "ordinal", 1);
        put(&mut self.columns, "byte_start", 0);
        put(&mut self.columns, "byte_end", end);
        let kind = match self.kind {
            Kind::Invoice => "invoice",
            Kind::CreditNote => "credit_note",
        };
        if let Some(target) = self.columns.layout().target(DOCUMENT, "document_kind") {
            self.columns.replace_text(target, kind);
        }
        if let (Some(key), Some(target)) = (self.seller_key(), self.columns.layout().target(DOCUMENT, "seller_key")) {
            self.columns.replace_text(target, &key);
        }
    }

    /// The supplier's identity: registration number digits, else VAT number, else endpoint, else name.
    fn seller_key(&self) -> Option<String> {
        let seller = self.party("seller")?;
        let registration = self.text(seller, "company_id").map(digits).filter(|digits| !digits.is_empty());
        let vat = || {
            let vat = self.text(seller, "vat_no")?;
            let vat: String = vat.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_uppercase();
            (!vat.is_empty()).then_some(vat)
        };
        let as_written = |name| self.text(seller, name).map(str::to_owned);
        registration
            .or_else(vat)
            .or_else(|| as_written("endpoint"))
            .or_else(|| as_written("legal_name"))
            .or_else(|| as_written("name"))
    }

    /// A credit note's first due date of payment is its due date (BT-9).
    fn due_date_from_payment(&mut self, payment: GroupId) {
        let days = self.columns.layout().target(payment, "due_date").and_then(|target| self.columns.date(target));
        if let (Kind::CreditNote, Some(days), Some(due)) =
            (self.kind, days, self.columns.layout().target(DOCUMENT, "due_date"))
        {
            self.columns.put_date(due, days);
        }
    }

    fn check_required(&mut self) {
        let root = self.root_name();
        let required = [
            ("invoice_no", "cbc:ID", "invoice number (BT-1)", "fakturanummer (BT-1)"),
            ("issue_date", "cbc:IssueDate", "issue date (BT-2)", "fakturadatum (BT-2)"),
            ("currency", "cbc:DocumentCurrencyCode", "currency (BT-5)", "valuta (BT-5)"),
            (
                "payable",
                "cac:LegalMonetaryTotal/cbc:PayableAmount",
                "amount payable (BT-115)",
                "belopp att betala (BT-115)",
            ),
            ("seller_key", "cac:AccountingSupplierParty/cac:Party", "seller", "säljare"),
        ];
        for (column, path, en, sv) in required {
            let path = format!("{root}/{path}");
            // A value that was wrong has its own fault.
            let told = self.faults.iter().any(|fault| fault.position.path.as_deref() == Some(&path));
            if self.column_is_empty(DOCUMENT, column) && !told {
                self.fault(missing(self.root, &path, en, sv));
            }
        }
        let buyer = self.party("buyer").is_some_and(|buyer| self.columns.says_something(buyer));
        if !buyer {
            let path = format!("{root}/cac:AccountingCustomerParty/cac:Party");
            self.fault(missing(self.root, &path, "buyer", "köpare"));
        }
    }

    fn check_currencies(&mut self) {
        let Some(currency) = self.currency() else { return };
        let path = format!("{}/cbc:DocumentCurrencyCode", self.root_name());
        if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
            self.fault(self.root.finding(
                "ubl.currency",
                &path,
                "the document currency is no ISO 4217 code",
                "dokumentets valuta är ingen kod enligt ISO 4217",
            ));
        }
        for (met, place, path) in std::mem::take(&mut self.currencies) {
            if met != currency {
                self.fault(place.finding(
                    "ubl.amount_currency",
                    &path,
                    "the amount is in another currency than the document",
                    "beloppet har en annan valuta än dokumentet",
                ));
            }
        }
    }

    /// Puts the VAT total in the document's currency (BT-110) and that in the accounting currency (BT-111).
    fn place_tax_totals(&mut self) {
        let Some(currency) = self.currency() else { return };
        let accounting = self.text(DOCUMENT, "tax_currency").map(str::to_owned);
        let path = format!("{}/cac:TaxTotal/cbc:TaxAmount", self.root_name());
        for TaxTotal { amount, currency: own, place } in std::mem::take(&mut self.tax_totals) {
            let column = if own == currency || own.is_empty() {
                "tax_amount"
            } else if accounting.as_deref() == Some(&own) {
                "tax_amount_accounting"
            } else {
                self.fault(place.finding(
                    "ubl.amount_currency",
                    &path,
                    "the VAT total is neither in the document's nor in the accounting currency",
                    "momsbeloppet är varken i dokumentets valuta eller i redovisningsvalutan",
                ));
                continue;
            };
            let Some(target) = self.columns.layout().target(DOCUMENT, column) else { continue };
            match self.columns.number(target) {
                None => self.columns.put_number(target, amount),
                Some(present) if present == amount => self.ignored.count(&path, place),
                Some(_) => self.fault(place.finding(
                    "ubl.contradiction",
                    &path,
                    "there are two VAT totals in one currency with different amounts",
                    "det finns två momsbelopp i samma valuta med olika belopp",
                )),
            }
        }
    }
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}
