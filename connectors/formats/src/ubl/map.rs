//! Which element goes to which column: one table for each kind of document, compiled into a tree of elements.
//!
//! Paths are written with the usual prefixes (`cbc`, `cac`); what counts in a document is the namespace, never the
//! prefix. How a text is read (text, date, number, flag) follows from the column's type in the contract. Sources:
//! Peppol BIS Billing 3 syntax tree (BT numbers in the contract); EN 16931-3-2.

use std::sync::OnceLock;

use crate::ParseError;
use crate::columns::{DOCUMENT, GroupId, Layout, Target};
use crate::xml::UNMAPPED;

/// The contract of the rows.
pub(super) const CONTRACT: &str = "supplier_invoice";

/// A line of the mapping.
enum Entry {
    /// An element's text, or each of its texts where the column is a list.
    Value(&'static str, &'static str),
    /// The same; its `currencyID` must be the document's currency.
    Amount(&'static str, &'static str),
    /// An attribute of an element that is mapped too.
    Attribute(&'static str, &'static str, &'static str),
    /// An identifier as `scheme:value`.
    Schemed(&'static str, &'static str),
    /// A record column.
    One(&'static str, &'static str, &'static [Entry]),
    /// A list of records: one item for each element.
    Each(&'static str, &'static str, Closing, &'static [Entry]),
    /// A value that decides something when the enclosing element ends.
    Aside(&'static str, Aside),
    /// `PartyTaxScheme`: the column for VAT, the column for any other scheme.
    PartyTax(&'static str, &'static str, &'static str),
    /// `TaxTotal/TaxAmount`: which column it belongs to shows at the end.
    TaxTotal(&'static str),
    /// An attachment's content: the columns for its size and its SHA-256.
    Embedded(&'static str, &'static str, &'static str),
    /// Known, and says nothing that the contract lacks.
    Known(&'static str),
    Include(&'static [Entry]),
}

use Entry::{Amount, Aside as Set, Attribute, Each, Embedded, Include, Known, One, PartyTax, Schemed, TaxTotal, Value};

/// What happens to an item when its element ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Closing {
    Keep,
    /// Bankgiro and plusgiro accounts become digits.
    Payment,
    /// An invoiced object or a project is no supporting document.
    Document,
}

/// Values that are set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Aside {
    TaxCompany,
    TaxScheme,
    DocumentType,
}

static PARTY: &[Entry] = &[
    Value("cbc:EndpointID", "endpoint"),
    Attribute("cbc:EndpointID", "schemeID", "endpoint_scheme"),
    Schemed("cac:PartyIdentification/cbc:ID", "identifiers"),
    Value("cac:PartyName/cbc:Name", "name"),
    Value("cac:PostalAddress/cbc:StreetName", "street"),
    Value("cac:PostalAddress/cbc:CityName", "city"),
    Value("cac:PostalAddress/cbc:PostalZone", "postcode"),
    Value("cac:PostalAddress/cac:Country/cbc:IdentificationCode", "country"),
    PartyTax("cac:PartyTaxScheme", "vat_no", "tax_registration"),
    Set("cac:PartyTaxScheme/cbc:CompanyID", Aside::TaxCompany),
    Set("cac:PartyTaxScheme/cac:TaxScheme/cbc:ID", Aside::TaxScheme),
    Value("cac:PartyLegalEntity/cbc:RegistrationName", "legal_name"),
    Value("cac:PartyLegalEntity/cbc:CompanyID", "company_id"),
    Attribute("cac:PartyLegalEntity/cbc:CompanyID", "schemeID", "company_scheme"),
    Value("cac:Contact/cbc:Name", "contact_name"),
    Value("cac:Contact/cbc:Telephone", "contact_phone"),
    Value("cac:Contact/cbc:ElectronicMail", "contact_email"),
];

static ALLOWANCE_CHARGE: &[Entry] = &[
    Value("cbc:ChargeIndicator", "charge"),
    Value("cbc:AllowanceChargeReasonCode", "reason_code"),
    Value("cbc:AllowanceChargeReason", "reason"),
    Value("cbc:MultiplierFactorNumeric", "percent"),
    Amount("cbc:Amount", "amount"),
    Amount("cbc:BaseAmount", "base_amount"),
    Value("cac:TaxCategory/cbc:ID", "vat_category"),
    Value("cac:TaxCategory/cbc:Percent", "vat_rate"),
    Known("cac:TaxCategory/cac:TaxScheme/cbc:ID"),
];

/// Allowances of a price (`cac:Price/cac:AllowanceCharge`) are none of the line's and are not mapped.
static LINE: &[Entry] = &[
    Value("cbc:ID", "line_id"),
    Amount("cbc:LineExtensionAmount", "net_amount"),
    Value("cbc:AccountingCost", "accounting_cost"),
    Value("cac:OrderLineReference/cbc:LineID", "order_line"),
    Each("cac:AllowanceCharge", "allowance_charges", Closing::Keep, ALLOWANCE_CHARGE),
    Value("cac:Item/cbc:Description", "description"),
    Value("cac:Item/cbc:Name", "name"),
    Value("cac:Item/cac:SellersItemIdentification/cbc:ID", "seller_item"),
    Value("cac:Item/cac:ClassifiedTaxCategory/cbc:ID", "vat_category"),
    Value("cac:Item/cac:ClassifiedTaxCategory/cbc:Percent", "vat_rate"),
    Known("cac:Item/cac:ClassifiedTaxCategory/cac:TaxScheme/cbc:ID"),
    Amount("cac:Price/cbc:PriceAmount", "price"),
    Value("cac:Price/cbc:BaseQuantity", "base_quantity"),
];

static HEADER: &[Entry] = &[
    Value("cbc:CustomizationID", "customization_id"),
    Value("cbc:ProfileID", "profile_id"),
    Value("cbc:ID", "invoice_no"),
    Value("cbc:IssueDate", "issue_date"),
    Value("cbc:DocumentCurrencyCode", "currency"),
    Value("cbc:TaxCurrencyCode", "tax_currency"),
    Value("cbc:BuyerReference", "buyer_reference"),
    Value("cac:OrderReference/cbc:ID", "order_reference"),
    Value("cac:ContractDocumentReference/cbc:ID", "contract_reference"),
    Value("cbc:AccountingCost", "accounting_cost"),
    Value("cac:InvoicePeriod/cbc:StartDate", "period_start"),
    Value("cac:InvoicePeriod/cbc:EndDate", "period_end"),
    Value("cac:Delivery/cbc:ActualDeliveryDate", "delivery_date"),
    Value("cac:PaymentTerms/cbc:Note", "payment_terms"),
    Value("cbc:Note", "notes"),
    One("cac:AccountingSupplierParty/cac:Party", "seller", PARTY),
    One("cac:AccountingCustomerParty/cac:Party", "buyer", PARTY),
    One("cac:PayeeParty", "payee", PARTY),
    Each(
        "cac:BillingReference/cac:InvoiceDocumentReference",
        "invoice_references",
        Closing::Keep,
        &[Value("cbc:ID", "invoice_no"), Value("cbc:IssueDate", "issue_date")],
    ),
    Amount("cac:LegalMonetaryTotal/cbc:LineExtensionAmount", "line_total"),
    Amount("cac:LegalMonetaryTotal/cbc:AllowanceTotalAmount", "allowance_total"),
    Amount("cac:LegalMonetaryTotal/cbc:ChargeTotalAmount", "charge_total"),
    Amount("cac:LegalMonetaryTotal/cbc:TaxExclusiveAmount", "tax_exclusive"),
    Amount("cac:LegalMonetaryTotal/cbc:TaxInclusiveAmount", "tax_inclusive"),
    Amount("cac:LegalMonetaryTotal/cbc:PrepaidAmount", "prepaid"),
    Amount("cac:LegalMonetaryTotal/cbc:PayableRoundingAmount", "rounding"),
    Amount("cac:LegalMonetaryTotal/cbc:PayableAmount", "payable"),
    TaxTotal("cac:TaxTotal/cbc:TaxAmount"),
    Each(
        "cac:TaxTotal/cac:TaxSubtotal",
        "vat_breakdown",
        Closing::Keep,
        &[
            Amount("cbc:TaxableAmount", "taxable_amount"),
            Amount("cbc:TaxAmount", "tax_amount"),
            Value("cac:TaxCategory/cbc:ID", "category"),
            Value("cac:TaxCategory/cbc:Percent", "rate"),
            Value("cac:TaxCategory/cbc:TaxExemptionReasonCode", "exemption_code"),
            Value("cac:TaxCategory/cbc:TaxExemptionReason", "exemption_reason"),
            Known("cac:TaxCategory/cac:TaxScheme/cbc:ID"),
        ],
    ),
    Each("cac:AllowanceCharge", "allowance_charges", Closing::Keep, ALLOWANCE_CHARGE),
    Each(
        "cac:PaymentMeans",
        "payment_means",
        Closing::Payment,
        &[
            Value("cbc:PaymentMeansCode", "code"),
            Value("cbc:PaymentDueDate", "due_date"),
            Value("cbc:PaymentID", "payment_id"),
            Value("cac:PayeeFinancialAccount/cbc:ID", "account"),
            Value("cac:PayeeFinancialAccount/cbc:Name", "account_name"),
            Value("cac:PayeeFinancialAccount/cac:FinancialInstitutionBranch/cbc:ID", "branch"),
        ],
    ),
    Each(
        "cac:AdditionalDocumentReference",
        "attachments",
        Closing::Document,
        &[
            Value("cbc:ID", "id"),
            Set("cbc:DocumentTypeCode", Aside::DocumentType),
            Value("cbc:DocumentDescription", "description"),
            Value("cac:Attachment/cac:ExternalReference/cbc:URI", "uri"),
            Embedded("cac:Attachment/cbc:EmbeddedDocumentBinaryObject", "size", "sha256"),
            Attribute("cac:Attachment/cbc:EmbeddedDocumentBinaryObject", "mimeCode", "mime"),
            Attribute("cac:Attachment/cbc:EmbeddedDocumentBinaryObject", "filename", "filename"),
        ],
    ),
];

static INVOICE: &[Entry] = &[
    Include(HEADER),
    Value("cbc:InvoiceTypeCode", "type_code"),
    Value("cbc:DueDate", "due_date"),
    Each(
        "cac:InvoiceLine",
        "lines",
        Closing::Keep,
        &[
            Include(LINE),
            Value("cbc:InvoicedQuantity", "quantity"),
            Attribute("cbc:InvoicedQuantity", "unitCode", "unit"),
        ],
    ),
];

/// A credit note has no due date of its own: BT-9 is `PaymentMeans/PaymentDueDate`.
static CREDIT_NOTE: &[Entry] = &[
    Include(HEADER),
    Value("cbc:CreditNoteTypeCode", "type_code"),
    Each(
        "cac:CreditNoteLine",
        "lines",
        Closing::Keep,
        &[
            Include(LINE),
            Value("cbc:CreditedQuantity", "quantity"),
            Attribute("cbc:CreditedQuantity", "unitCode", "unit"),
        ],
    ),
];

/// The namespaces that matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Space {
    Basic,
    Aggregate,
    Extension,
    Invoice,
    CreditNote,
    Other,
}

impl Space {
    pub(super) fn of(uri: &str) -> Self {
        let Some(name) = uri.strip_prefix("urn:oasis:names:specification:ubl:schema:xsd:") else { return Self::Other };
        match name {
            "CommonBasicComponents-2" => Self::Basic,
            "CommonAggregateComponents-2" => Self::Aggregate,
            "CommonExtensionComponents-2" => Self::Extension,
            "Invoice-2" => Self::Invoice,
            "CreditNote-2" => Self::CreditNote,
            _ => Self::Other,
        }
    }

    /// The prefix that is used in paths.
    pub(super) const fn prefix(self) -> &'static str {
        match self {
            Self::Basic => "cbc:",
            Self::Aggregate => "cac:",
            Self::Extension => "ext:",
            Self::Invoice | Self::CreditNote => "",
            Self::Other => "?:",
        }
    }
}

/// What an element does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// Not in the contract: passed over with all that it holds.
    Unmapped,
    /// Holds other elements.
    Structure,
    Known,
    Value(Target),
    Amount(Target),
    Schemed(Target),
    One(GroupId),
    Each(GroupId, Closing),
    Aside(Aside),
    PartyTax {
        vat: Target,
        other: Target,
    },
    TaxTotal,
    Embedded {
        size: Target,
        sha256: Target,
    },
}

impl Action {
    /// True for an element whose text is wanted.
    pub(super) const fn is_leaf(self) -> bool {
        matches!(
            self,
            Self::Value(_) | Self::Amount(_) | Self::Schemed(_) | Self::Aside(_) | Self::TaxTotal | Self::Known
        )
    }
}

/// An element at its place.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) space: Space,
    pub(super) name: &'static str,
    pub(super) action: Action,
    pub(super) attributes: Vec<(&'static str, Target)>,
    children: Vec<u16>,
}

/// The elements of one kind of document.
#[derive(Debug)]
pub(super) struct Map {
    nodes: Vec<Node>,
}

/// The document element.
pub(super) const ROOT: u16 = 1;

impl Map {
    pub(super) fn node(&self, node: u16) -> &Node {
        &self.nodes[usize::from(node)]
    }

    /// The element called `name` inside `parent`.
    pub(super) fn child(&self, parent: u16, space: Space, name: &str) -> u16 {
        let children = &self.node(parent).children;
        let found = children.iter().find(|child| {
            let node = self.node(**child);
            node.name == name && node.space == space
        });
        found.copied().unwrap_or(UNMAPPED)
    }

    fn compile(layout: &Layout, entries: &'static [Entry]) -> Result<Self, String> {
        let node =
            |action| Node { space: Space::Other, name: "", action, attributes: Vec::new(), children: Vec::new() };
        let mut map = Self { nodes: vec![node(Action::Unmapped), node(Action::Structure)] };
        map.add(layout, ROOT, DOCUMENT, entries)?;
        Ok(map)
    }

    fn add(&mut self, layout: &Layout, at: u16, group: GroupId, entries: &'static [Entry]) -> Result<(), String> {
        let target = |name: &str| layout.target(group, name).ok_or_else(|| format!("no column {name}"));
        let inner =
            |name: &str| layout.group_in(target(name)?).ok_or_else(|| format!("column {name} holds no records"));
        for entry in entries {
            let (path, action) = match entry {
                Include(entries) => {
                    self.add(layout, at, group, entries)?;
                    continue;
                }
                Attribute(path, attribute, column) => {
                    let element = self.path(at, path)?;
                    let column = target(column)?;
                    self.nodes[usize::from(element)].attributes.push((attribute, column));
                    continue;
                }
                Value(path, column) => (path, Action::Value(target(column)?)),
                Amount(path, column) => (path, Action::Amount(target(column)?)),
                Schemed(path, column) => (path, Action::Schemed(target(column)?)),
                One(path, column, _) => (path, Action::One(inner(column)?)),
                Each(path, column, closing, _) => (path, Action::Each(inner(column)?, *closing)),
                Set(path, aside) => (path, Action::Aside(*aside)),
                PartyTax(path, vat, other) => (path, Action::PartyTax { vat: target(vat)?, other: target(other)? }),
                TaxTotal(path) => (path, Action::TaxTotal),
                Embedded(path, size, sha256) => {
                    (path, Action::Embedded { size: target(size)?, sha256: target(sha256)? })
                }
                Known(path) => (path, Action::Known),
            };
            let element = self.path(at, path)?;
            self.nodes[usize::from(element)].action = action;
            if let One(_, column, entries) | Each(_, column, _, entries) = entry {
                self.add(layout, element, inner(column)?, entries)?;
            }
        }
        Ok(())
    }

    /// The element at `path` under `at`, made where it is not yet there.
    fn path(&mut self, at: u16, path: &'static str) -> Result<u16, String> {
        let mut element = at;
        for step in path.split('/') {
            let (space, name) = match step.split_once(':') {
                Some(("cbc", name)) => (Space::Basic, name),
                Some(("cac", name)) => (Space::Aggregate, name),
                _ => return Err(format!("{step} in {path} has no prefix")),
            };
            element = match self.child(element, space, name) {
                UNMAPPED => {
                    let made = u16::try_from(self.nodes.len()).map_err(|error| error.to_string())?;
                    self.nodes.push(Node {
                        space,
                        name,
                        action: Action::Structure,
                        attributes: Vec::new(),
                        children: Vec::new(),
                    });
                    self.nodes[usize::from(element)].children.push(made);
                    made
                }
                found => found,
            };
        }
        Ok(element)
    }
}

/// The contract's columns and the two kinds of document.
pub(super) struct Mapping {
    pub(super) layout: Layout,
    pub(super) invoice: Map,
    pub(super) credit_note: Map,
}

/// The mapping to `supplier_invoice`.
///
/// # Errors
/// When the contract lacks a column that is mapped: a defect of ours that a test finds.
pub(super) fn mapping() -> Result<&'static Mapping, ParseError> {
    static MAPPING: OnceLock<Result<Mapping, String>> = OnceLock::new();
    let mapping = MAPPING.get_or_init(|| {
        let contract = schemas::contract(CONTRACT).map_err(|error| error.to_string())?;
        let layout = Layout::new(contract.body_schema()).map_err(|error| error.to_string())?;
        let (invoice, credit_note) = (Map::compile(&layout, INVOICE)?, Map::compile(&layout, CREDIT_NOTE)?);
        Ok(Mapping { layout, invoice, credit_note })
    });
    mapping.as_ref().map_err(|error| ParseError::Configuration(format!("UBL mapping: {error}")))
}
