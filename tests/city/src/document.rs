//! A supplier's document and its amounts.

use chrono::NaiveDate;

/// A supplier.
#[derive(Debug, Clone)]
pub struct Supplier {
    /// Name.
    pub name: String,
    /// Organisation number, ten digits.
    pub organisation: String,
    /// Bankgiro, digits.
    pub bankgiro: String,
    /// Street.
    pub street: String,
    /// Postcode.
    pub postcode: String,
}

impl Supplier {
    /// Swedish VAT number.
    #[must_use]
    pub fn vat_no(&self) -> String {
        format!("SE{}01", self.organisation)
    }
}

/// A line.
#[derive(Debug, Clone)]
pub struct Line {
    /// What was sold.
    pub name: &'static str,
    /// Whole units; negative for a return.
    pub quantity: i64,
    /// Price of a unit, öre.
    pub price: i64,
    /// Net amount, öre.
    pub net: i64,
    /// VAT category of UNCL5305.
    pub category: &'static str,
    /// VAT rate, per cent.
    pub rate: i64,
}

impl Line {
    /// A line whose net amount is quantity times price.
    #[must_use]
    pub fn new(name: &'static str, quantity: i64, price: i64, (category, rate): (&'static str, i64)) -> Self {
        Self { name, quantity, price, net: quantity * price, category, rate }
    }
}

/// VAT of a category and rate.
#[derive(Debug, Clone)]
pub struct Subtotal {
    /// VAT category.
    pub category: &'static str,
    /// Rate, per cent.
    pub rate: i64,
    /// Base, öre.
    pub base: i64,
    /// VAT, öre.
    pub tax: i64,
}

/// Amounts of the document, öre.
#[derive(Debug, Clone, Default)]
pub struct Totals {
    /// BT-106.
    pub lines: i64,
    /// BT-107, on goods of category S, 25 %.
    pub allowance: i64,
    /// BT-108, likewise.
    pub charge: i64,
    /// BT-109.
    pub net: i64,
    /// BT-110.
    pub vat: i64,
    /// BT-112.
    pub gross: i64,
    /// BT-113.
    pub prepaid: i64,
    /// BT-114.
    pub rounding: i64,
    /// BT-115.
    pub payable: i64,
}

/// An invoice or credit note.
#[derive(Debug, Clone)]
pub struct Document {
    /// True for a credit note.
    pub credit: bool,
    /// Number.
    pub number: String,
    /// Date.
    pub issued: NaiveDate,
    /// Index of the seller.
    pub seller: usize,
    /// False when the document has the VAT number but no registration of the seller.
    pub registration: bool,
    /// Account to pay to, digits of a bankgiro.
    pub account: String,
    /// Index of the department.
    pub department: usize,
    /// Lines.
    pub lines: Vec<Line>,
    /// VAT breakdown.
    pub subtotals: Vec<Subtotal>,
    /// Totals.
    pub totals: Totals,
    /// Number and date of the invoice that is credited.
    pub preceding: Option<(String, NaiveDate)>,
    /// Attached file.
    pub attachment: Option<Vec<u8>>,
}

impl Document {
    /// Computes every amount from the lines, so that all balance rules hold.
    pub fn balance(&mut self) {
        let mut subtotals: Vec<Subtotal> = Vec::new();
        let adjustment = self.totals.charge - self.totals.allowance;
        let parts = self.lines.iter().map(|line| (line.category, line.rate, line.net));
        for (category, rate, amount) in parts.chain((adjustment != 0).then_some(("S", 25, adjustment))) {
            match subtotals.iter_mut().find(|known| (known.category, known.rate) == (category, rate)) {
                Some(known) => known.base += amount,
                None => subtotals.push(Subtotal { category, rate, base: amount, tax: 0 }),
            }
        }
        for subtotal in &mut subtotals {
            subtotal.tax = percent(subtotal.base, subtotal.rate);
        }
        let totals = &mut self.totals;
        totals.lines = self.lines.iter().map(|line| line.net).sum();
        totals.net = totals.lines + adjustment;
        totals.vat = subtotals.iter().map(|subtotal| subtotal.tax).sum();
        totals.gross = totals.net + totals.vat;
        totals.payable = totals.gross - totals.prepaid + totals.rounding;
        self.subtotals = subtotals;
    }

    /// Rounds what is to be paid to whole kronor (öresutjämning, BT-114).
    pub fn round(&mut self) {
        let unrounded = self.totals.gross - self.totals.prepaid;
        self.totals.rounding = (unrounded + 50).div_euclid(100) * 100 - unrounded;
        self.balance();
    }

    /// Identity of the seller in the contract.
    #[must_use]
    pub fn seller_key(&self, suppliers: &[Supplier]) -> String {
        let seller = &suppliers[self.seller];
        if self.registration { seller.organisation.clone() } else { seller.vat_no() }
    }
}

/// Per cent of an amount, half up away from zero.
#[must_use]
pub fn percent(amount: i64, rate: i64) -> i64 {
    let scaled = amount * rate;
    (scaled.abs() + 50) / 100 * scaled.signum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_rounded_half_up() {
        assert_eq!(percent(1_050, 5), 53);
        assert_eq!(percent(1_050, -5), -53);
        assert_eq!(percent(1_000, 25), 250);
    }
}
