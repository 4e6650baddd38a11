//! References of a payment: what each structured remittance says.
//!
//! A payment may carry several. Their amounts count only when they sum to the payment, credit notes subtracted;
//! otherwise the payment is kept whole with all its references.

use std::ops::Range;

use crate::xml::form::{Fields, Span};

use super::form::structured as field;
use super::rules;

/// References of a payment that are kept.
const MOST: usize = 1_000;

/// A reference.
#[derive(Debug, Clone)]
pub(super) struct Reference {
    text: Range<usize>,
    document_type: Range<usize>,
    /// Signed: negative for what a credit note takes away.
    pub amount: Option<i128>,
    pub negative: bool,
    pub span: Span,
}

/// The references of the open transaction.
#[derive(Debug, Default)]
pub(super) struct References {
    text: String,
    pub items: Vec<Reference>,
    /// There were more than are kept.
    pub is_cut: bool,
    /// Free text beside the references.
    notes: Vec<Range<usize>>,
}

impl References {
    pub fn clear(&mut self) {
        self.text.clear();
        self.items.clear();
        self.notes.clear();
        self.is_cut = false;
    }

    /// A structured remittance ends.
    pub fn push(&mut self, fields: &Fields, span: Span) {
        for note in fields.all(field::MORE) {
            let note = self.keep(note.text);
            self.notes.push(note);
        }
        let document_type = fields.get(field::DOCUMENT_TYPE);
        let remitted = fields.get(field::REMITTED).map(rules::amount);
        let credited = fields.get(field::CREDITED).map(rules::amount);
        let negative = document_type == Some("CREN") || (credited.is_some() && remitted.is_none());
        let amount = match (remitted, credited) {
            (None, None) | (Some(None), _) | (_, Some(None)) => None,
            (remitted, credited) => {
                let (plus, minus) = (remitted.flatten().unwrap_or_default(), credited.flatten().unwrap_or_default());
                // A credit note's amount is written as remitted by some, as credited by others.
                Some(if document_type == Some("CREN") { -(plus + minus) } else { plus - minus })
            }
        };
        let own = fields.all(field::REFERENCE).map(|found| found.text);
        let mut references: Vec<&str> = own.collect();
        if references.is_empty() {
            references.extend(fields.all(field::DOCUMENT_NUMBER).map(|found| found.text));
        }
        // An amount that stands for several documents is none of any one of them.
        let amount = amount.filter(|_| references.len() <= 1);
        if references.is_empty() && amount.is_some() {
            references.push("");
        }
        let kind = document_type.or_else(|| fields.get(field::REFERENCE_TYPE)).unwrap_or_default();
        for text in references {
            if self.items.len() == MOST {
                self.is_cut = true;
                return;
            }
            let text = self.keep(text);
            let document_type = self.keep(kind);
            self.items.push(Reference { text, document_type, amount, negative, span });
        }
    }

    fn keep(&mut self, text: &str) -> Range<usize> {
        let start = self.text.len();
        self.text.push_str(text);
        start..self.text.len()
    }

    /// The text of a reference.
    pub fn text_of(&self, reference: &Reference) -> &str {
        &self.text[reference.text.clone()]
    }

    /// The kind of document of a reference.
    pub fn type_of(&self, reference: &Reference) -> &str {
        &self.text[reference.document_type.clone()]
    }

    /// The only reference.
    pub fn only(&self) -> Option<&str> {
        if let [only] = self.items.as_slice() { Some(self.text_of(only)).filter(|text| !text.is_empty()) } else { None }
    }

    /// Free text beside the references.
    pub fn notes(&self) -> impl Iterator<Item = &str> {
        self.notes.iter().map(|note| &self.text[note.clone()])
    }

    /// True when any has an amount.
    pub fn have_amounts(&self) -> bool {
        self.items.iter().any(|item| item.amount.is_some())
    }

    /// True when all have amounts and these sum to the payment's.
    pub fn sum_to(&self, payment: i128) -> bool {
        let sum = self.items.iter().map(|item| item.amount).try_fold(0, |sum: i128, amount| sum.checked_add(amount?));
        sum == Some(payment.abs()) && !self.items.is_empty()
    }
}
