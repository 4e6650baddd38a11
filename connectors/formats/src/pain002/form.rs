//! Which elements of pain.002 matter, in all its versions.

use std::sync::OnceLock;

use crate::xml::form::{Form, Id, Line};
use Line::{Field, Known, Scope, Within};

pub(super) const MESSAGE: Id = 0;
pub(super) const GROUP: Id = 1;
pub(super) const BATCH: Id = 2;
pub(super) const PAYMENT: Id = 3;
pub(super) const REASON: Id = 4;
pub(super) const SCOPES: usize = 5;

/// Fields of the message.
pub(super) mod message {
    pub const ID: u8 = 0;
    pub const CREATED: u8 = 1;
}

/// Fields that a group, a batch and a payment share: all answer an order.
pub(super) mod answer {
    pub const STATUS: u8 = 0;
    pub const COUNT: u8 = 1;
    pub const SUM: u8 = 2;
    /// Identity of what is answered: message, batch.
    pub const ID: u8 = 3;
    pub const MESSAGE_NAME: u8 = 4;
    pub const DETAILED_COUNT: u8 = 5;
    pub const DETAILED_STATUS: u8 = 6;
}

/// Further fields of a payment.
pub(super) mod payment {
    pub const STATUS_ID: u8 = 10;
    pub const INSTRUCTION: u8 = 11;
    pub const END_TO_END: u8 = 12;
    pub const UETR: u8 = 13;
    pub const BANK_REFERENCE: u8 = 14;
    pub const AMOUNT: u8 = 15;
    pub const CURRENCY: u8 = 16;
    pub const EXECUTION: u8 = 17;
    pub const COLLECTION: u8 = 18;
    pub const DEBTOR: u8 = 19;
    pub const DEBTOR_IBAN: u8 = 20;
    pub const DEBTOR_OTHER: u8 = 21;
    pub const DEBTOR_CODE: u8 = 22;
    pub const DEBTOR_OWN: u8 = 23;
    pub const DEBTOR_CLEARING: u8 = 24;
    pub const CREDITOR: u8 = 25;
    pub const CREDITOR_IBAN: u8 = 26;
    pub const CREDITOR_OTHER: u8 = 27;
    pub const CREDITOR_CODE: u8 = 28;
    pub const CREDITOR_OWN: u8 = 29;
    pub const CREDITOR_CLEARING: u8 = 30;
    pub const REFERENCE: u8 = 31;
    pub const UNSTRUCTURED: u8 = 32;
}

/// Fields of a reason.
pub(super) mod reason {
    pub const CODE: u8 = 0;
    pub const OWN: u8 = 1;
    pub const TEXT: u8 = 2;
}

static REASON_LINES: &[Line] =
    &[Field("Rsn/Cd", reason::CODE), Field("Rsn/Prtry", reason::OWN), Field("AddtlInf", reason::TEXT), Known("Orgtr")];

static GROUP_LINES: &[Line] = &[
    Field("OrgnlMsgId", answer::ID),
    Field("OrgnlMsgNmId", answer::MESSAGE_NAME),
    Field("OrgnlNbOfTxs", answer::COUNT),
    Field("OrgnlCtrlSum", answer::SUM),
    Field("GrpSts", answer::STATUS),
    Scope("StsRsnInf", REASON, REASON_LINES),
    Field("NbOfTxsPerSts/DtldNbOfTxs", answer::DETAILED_COUNT),
    Field("NbOfTxsPerSts/DtldSts", answer::DETAILED_STATUS),
    Known("NbOfTxsPerSts"),
    Known("OrgnlCreDtTm"),
];

static BATCH_LINES: &[Line] = &[
    Field("OrgnlPmtInfId", answer::ID),
    Field("OrgnlNbOfTxs", answer::COUNT),
    Field("OrgnlCtrlSum", answer::SUM),
    Field("PmtInfSts", answer::STATUS),
    Scope("StsRsnInf", REASON, REASON_LINES),
    Known("NbOfTxsPerSts"),
    Scope("TxInfAndSts", PAYMENT, PAYMENT_LINES),
];

static PAYMENT_LINES: &[Line] = &[
    Field("StsId", payment::STATUS_ID),
    Field("OrgnlInstrId", payment::INSTRUCTION),
    Field("OrgnlEndToEndId", payment::END_TO_END),
    Field("OrgnlUETR", payment::UETR),
    Field("TxSts", answer::STATUS),
    Scope("StsRsnInf", REASON, REASON_LINES),
    Known("ChrgsInf"),
    Known("AccptncDtTm"),
    Field("AcctSvcrRef", payment::BANK_REFERENCE),
    Known("ClrSysRef"),
    Field("OrgnlTxRef/Amt/InstdAmt", payment::AMOUNT),
    Field("OrgnlTxRef/Amt/InstdAmt@Ccy", payment::CURRENCY),
    Field("OrgnlTxRef/Amt/EqvtAmt/Amt", payment::AMOUNT),
    Field("OrgnlTxRef/Amt/EqvtAmt/Amt@Ccy", payment::CURRENCY),
    Field("OrgnlTxRef/ReqdExctnDt", payment::EXECUTION),
    Field("OrgnlTxRef/ReqdExctnDt/Dt", payment::EXECUTION),
    Field("OrgnlTxRef/ReqdExctnDt/DtTm", payment::EXECUTION),
    Field("OrgnlTxRef/ReqdColltnDt", payment::COLLECTION),
    Field("OrgnlTxRef/Dbtr/Nm", payment::DEBTOR),
    Field("OrgnlTxRef/Dbtr/Pty/Nm", payment::DEBTOR),
    Field("OrgnlTxRef/DbtrAcct/Id/IBAN", payment::DEBTOR_IBAN),
    Field("OrgnlTxRef/DbtrAcct/Id/Othr/Id", payment::DEBTOR_OTHER),
    Field("OrgnlTxRef/DbtrAcct/Id/Othr/SchmeNm/Cd", payment::DEBTOR_CODE),
    Field("OrgnlTxRef/DbtrAcct/Id/Othr/SchmeNm/Prtry", payment::DEBTOR_OWN),
    Field("OrgnlTxRef/DbtrAgt/FinInstnId/ClrSysMmbId/MmbId", payment::DEBTOR_CLEARING),
    Field("OrgnlTxRef/Cdtr/Nm", payment::CREDITOR),
    Field("OrgnlTxRef/Cdtr/Pty/Nm", payment::CREDITOR),
    Field("OrgnlTxRef/CdtrAcct/Id/IBAN", payment::CREDITOR_IBAN),
    Field("OrgnlTxRef/CdtrAcct/Id/Othr/Id", payment::CREDITOR_OTHER),
    Field("OrgnlTxRef/CdtrAcct/Id/Othr/SchmeNm/Cd", payment::CREDITOR_CODE),
    Field("OrgnlTxRef/CdtrAcct/Id/Othr/SchmeNm/Prtry", payment::CREDITOR_OWN),
    Field("OrgnlTxRef/CdtrAgt/FinInstnId/ClrSysMmbId/MmbId", payment::CREDITOR_CLEARING),
    Field("OrgnlTxRef/RmtInf/Strd/CdtrRefInf/Ref", payment::REFERENCE),
    Field("OrgnlTxRef/RmtInf/Ustrd", payment::UNSTRUCTURED),
    Known("OrgnlTxRef"),
];

static LINES: &[Line] = &[Within(
    "CstmrPmtStsRpt",
    &[
        Field("GrpHdr/MsgId", message::ID),
        Field("GrpHdr/CreDtTm", message::CREATED),
        Known("GrpHdr"),
        Scope("OrgnlGrpInfAndSts", GROUP, GROUP_LINES),
        Scope("OrgnlPmtInfAndSts", BATCH, BATCH_LINES),
    ],
)];

/// The form, compiled once.
pub(super) fn form() -> &'static Form {
    static FORM: OnceLock<Form> = OnceLock::new();
    FORM.get_or_init(|| Form::new(LINES))
}
