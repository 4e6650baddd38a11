//! Which elements of camt.053 and camt.054 matter, in all their versions.
//!
//! Sources: ISO 20022 message definitions camt.053.001.02–.08 and camt.054.001.02–.08. From .04 on a transaction has
//! an amount and a direction of its own; from .08 on a party stands inside `Pty` or `Agt`, a status inside `Cd`, and
//! a BIC is called `BICFI`.

use std::sync::OnceLock;

use crate::xml::form::{Form, Id, Line};
use Line::{Field, Known, Scope, Within};

macro_rules! ids {
    ($($name:ident),* $(,)?) => {
        ids!(@ 0, $($name),*);
    };
    (@ $next:expr, $name:ident $(, $rest:ident)*) => {
        pub(in crate::camt) const $name: Id = $next;
        ids!(@ $next + 1 $(, $rest)*);
    };
    (@ $next:expr $(,)?) => {};
}

ids!(MESSAGE, STATEMENT, BALANCE, ENTRY, TRANSACTION, STRUCTURED);
pub(super) const SCOPES: usize = 6;

/// Fields of the message.
pub(super) mod message {
    use super::Id;
    ids!(ID);
}

/// Fields of a statement or notification.
pub(super) mod statement {
    use super::Id;
    ids!(
        ID,
        PAGE,
        NUMBER,
        CREATED,
        TO,
        COPY,
        IBAN,
        OTHER,
        SCHEME_CODE,
        SCHEME_OWN,
        CLEARING,
        COUNT,
        SUM,
        CREDIT_COUNT,
        CREDIT_SUM,
        DEBIT_COUNT,
        DEBIT_SUM,
    );
}

/// Fields of a balance.
pub(super) mod balance {
    use super::Id;
    ids!(CODE, AMOUNT, CURRENCY, DIRECTION);
}

/// Fields of an entry.
pub(super) mod entry {
    use super::Id;
    ids!(
        REFERENCE,
        AMOUNT,
        CURRENCY,
        DIRECTION,
        REVERSAL,
        STATUS,
        BOOKED,
        VALUE,
        BANK_REFERENCE,
        DOMAIN,
        FAMILY,
        SUB_FAMILY,
        OWN_CODE,
        CHARGES,
        CHARGES_CURRENCY,
        CHARGE,
        CHARGE_CURRENCY,
        BATCH_MESSAGE,
        BATCH_PAYMENT,
        BATCH_COUNT,
        TEXT,
    );
}

/// Fields of a transaction.
pub(super) mod transaction {
    use super::Id;
    ids!(
        BANK_REFERENCE,
        INSTRUCTION,
        END_TO_END,
        TRANSACTION,
        MANDATE,
        CLEARING_REFERENCE,
        UETR,
        AMOUNT,
        CURRENCY,
        DIRECTION,
        TX_AMOUNT,
        TX_CURRENCY,
        COUNTER_AMOUNT,
        COUNTER_CURRENCY,
        INSTRUCTED,
        INSTRUCTED_CURRENCY,
        RATE,
        DOMAIN,
        FAMILY,
        SUB_FAMILY,
        OWN_CODE,
        CHARGES,
        CHARGES_CURRENCY,
        CHARGE,
        CHARGE_CURRENCY,
        DEBTOR_NAME,
        DEBTOR_STREET,
        DEBTOR_BUILDING,
        DEBTOR_POSTCODE,
        DEBTOR_CITY,
        DEBTOR_COUNTRY,
        DEBTOR_LINE,
        DEBTOR_ID,
        DEBTOR_IBAN,
        DEBTOR_OTHER,
        DEBTOR_SCHEME_CODE,
        DEBTOR_SCHEME_OWN,
        DEBTOR_BIC,
        DEBTOR_CLEARING,
        ULTIMATE_DEBTOR,
        CREDITOR_NAME,
        CREDITOR_IBAN,
        CREDITOR_OTHER,
        CREDITOR_SCHEME_CODE,
        CREDITOR_SCHEME_OWN,
        CREDITOR_CLEARING,
        ULTIMATE_CREDITOR,
        PURPOSE,
        UNSTRUCTURED,
        RETURN_CODE,
        RETURN_TEXT,
        TEXT,
    );
}

/// Fields of a structured remittance.
pub(super) mod structured {
    use super::Id;
    ids!(DOCUMENT_TYPE, DOCUMENT_NUMBER, REMITTED, CREDITED, REFERENCE_TYPE, REFERENCE, MORE);
}

static BALANCE_LINES: &[Line] = &[
    Field("Tp/CdOrPrtry/Cd", balance::CODE),
    Field("Amt", balance::AMOUNT),
    Field("Amt@Ccy", balance::CURRENCY),
    Field("CdtDbtInd", balance::DIRECTION),
    Known("Tp/SubTp"),
    Known("Tp/CdOrPrtry/Prtry"),
    Known("Dt"),
    Known("CdtLine"),
    Known("Avlbty"),
];

static STATEMENT_LINES: &[Line] = &[
    Field("Id", statement::ID),
    Field("StmtPgntn/PgNb", statement::PAGE),
    Field("NtfctnPgntn/PgNb", statement::PAGE),
    Known("StmtPgntn/LastPgInd"),
    Known("NtfctnPgntn/LastPgInd"),
    Field("ElctrncSeqNb", statement::NUMBER),
    Known("RptgSeq"),
    Known("LglSeqNb"),
    Field("CreDtTm", statement::CREATED),
    Field("FrToDt/ToDtTm", statement::TO),
    Known("FrToDt/FrDtTm"),
    Field("CpyDplctInd", statement::COPY),
    Known("RptgSrc"),
    Field("Acct/Id/IBAN", statement::IBAN),
    Field("Acct/Id/Othr/Id", statement::OTHER),
    Field("Acct/Id/Othr/SchmeNm/Cd", statement::SCHEME_CODE),
    Field("Acct/Id/Othr/SchmeNm/Prtry", statement::SCHEME_OWN),
    Field("Acct/Svcr/FinInstnId/ClrSysMmbId/MmbId", statement::CLEARING),
    Known("Acct/Id/Othr/Issr"),
    Known("Acct/Tp"),
    Known("Acct/Ccy"),
    Known("Acct/Nm"),
    Known("Acct/Prxy"),
    Known("Acct/Ownr"),
    Known("Acct/Svcr"),
    Known("RltdAcct"),
    Known("Intrst"),
    Scope("Bal", BALANCE, BALANCE_LINES),
    Field("TxsSummry/TtlNtries/NbOfNtries", statement::COUNT),
    Field("TxsSummry/TtlNtries/Sum", statement::SUM),
    Field("TxsSummry/TtlCdtNtries/NbOfNtries", statement::CREDIT_COUNT),
    Field("TxsSummry/TtlCdtNtries/Sum", statement::CREDIT_SUM),
    Field("TxsSummry/TtlDbtNtries/NbOfNtries", statement::DEBIT_COUNT),
    Field("TxsSummry/TtlDbtNtries/Sum", statement::DEBIT_SUM),
    Known("TxsSummry"),
    Scope("Ntry", ENTRY, ENTRY_LINES),
    Known("AddtlStmtInf"),
    Known("AddtlNtfctnInf"),
];

static ENTRY_LINES: &[Line] = &[
    Field("NtryRef", entry::REFERENCE),
    Field("Amt", entry::AMOUNT),
    Field("Amt@Ccy", entry::CURRENCY),
    Field("CdtDbtInd", entry::DIRECTION),
    Field("RvslInd", entry::REVERSAL),
    Field("Sts", entry::STATUS),
    Field("Sts/Cd", entry::STATUS),
    Field("Sts/Prtry", entry::STATUS),
    Field("BookgDt/Dt", entry::BOOKED),
    Field("BookgDt/DtTm", entry::BOOKED),
    Field("ValDt/Dt", entry::VALUE),
    Field("ValDt/DtTm", entry::VALUE),
    Field("AcctSvcrRef", entry::BANK_REFERENCE),
    Known("Avlbty"),
    Field("BkTxCd/Domn/Cd", entry::DOMAIN),
    Field("BkTxCd/Domn/Fmly/Cd", entry::FAMILY),
    Field("BkTxCd/Domn/Fmly/SubFmlyCd", entry::SUB_FAMILY),
    Field("BkTxCd/Prtry/Cd", entry::OWN_CODE),
    Known("BkTxCd/Prtry/Issr"),
    Known("ComssnWvrInd"),
    Known("AddtlInfInd"),
    Known("AmtDtls"),
    Field("Chrgs/TtlChrgsAndTaxAmt", entry::CHARGES),
    Field("Chrgs/TtlChrgsAndTaxAmt@Ccy", entry::CHARGES_CURRENCY),
    Field("Chrgs/Amt", entry::CHARGE),
    Field("Chrgs/Amt@Ccy", entry::CHARGE_CURRENCY),
    Field("Chrgs/Rcrd/Amt", entry::CHARGE),
    Field("Chrgs/Rcrd/Amt@Ccy", entry::CHARGE_CURRENCY),
    Known("Chrgs"),
    Known("TechInptChanl"),
    Known("Intrst"),
    Known("CardTx"),
    Field("NtryDtls/Btch/MsgId", entry::BATCH_MESSAGE),
    Field("NtryDtls/Btch/PmtInfId", entry::BATCH_PAYMENT),
    Field("NtryDtls/Btch/NbOfTxs", entry::BATCH_COUNT),
    Known("NtryDtls/Btch"),
    Scope("NtryDtls/TxDtls", TRANSACTION, TRANSACTION_LINES),
    Field("AddtlNtryInf", entry::TEXT),
];

static TRANSACTION_LINES: &[Line] = &[
    Field("Refs/AcctSvcrRef", transaction::BANK_REFERENCE),
    Field("Refs/InstrId", transaction::INSTRUCTION),
    Field("Refs/EndToEndId", transaction::END_TO_END),
    Field("Refs/UETR", transaction::UETR),
    Field("Refs/TxId", transaction::TRANSACTION),
    Field("Refs/MndtId", transaction::MANDATE),
    Field("Refs/ClrSysRef", transaction::CLEARING_REFERENCE),
    Known("Refs"),
    Field("Amt", transaction::AMOUNT),
    Field("Amt@Ccy", transaction::CURRENCY),
    Field("CdtDbtInd", transaction::DIRECTION),
    Field("AmtDtls/TxAmt/Amt", transaction::TX_AMOUNT),
    Field("AmtDtls/TxAmt/Amt@Ccy", transaction::TX_CURRENCY),
    Field("AmtDtls/CntrValAmt/Amt", transaction::COUNTER_AMOUNT),
    Field("AmtDtls/CntrValAmt/Amt@Ccy", transaction::COUNTER_CURRENCY),
    Field("AmtDtls/InstdAmt/Amt", transaction::INSTRUCTED),
    Field("AmtDtls/InstdAmt/Amt@Ccy", transaction::INSTRUCTED_CURRENCY),
    Field("AmtDtls/TxAmt/CcyXchg/XchgRate", transaction::RATE),
    Field("AmtDtls/InstdAmt/CcyXchg/XchgRate", transaction::RATE),
    Field("AmtDtls/CntrValAmt/CcyXchg/XchgRate", transaction::RATE),
    Known("AmtDtls"),
    Field("BkTxCd/Domn/Cd", transaction::DOMAIN),
    Field("BkTxCd/Domn/Fmly/Cd", transaction::FAMILY),
    Field("BkTxCd/Domn/Fmly/SubFmlyCd", transaction::SUB_FAMILY),
    Field("BkTxCd/Prtry/Cd", transaction::OWN_CODE),
    Known("BkTxCd/Prtry/Issr"),
    Field("Chrgs/TtlChrgsAndTaxAmt", transaction::CHARGES),
    Field("Chrgs/TtlChrgsAndTaxAmt@Ccy", transaction::CHARGES_CURRENCY),
    Field("Chrgs/Amt", transaction::CHARGE),
    Field("Chrgs/Amt@Ccy", transaction::CHARGE_CURRENCY),
    Field("Chrgs/Rcrd/Amt", transaction::CHARGE),
    Field("Chrgs/Rcrd/Amt@Ccy", transaction::CHARGE_CURRENCY),
    Known("Chrgs"),
    Within("RltdPties/Dbtr", DEBTOR_LINES),
    Within("RltdPties/Dbtr/Pty", DEBTOR_LINES),
    Field("RltdPties/DbtrAcct/Id/IBAN", transaction::DEBTOR_IBAN),
    Field("RltdPties/DbtrAcct/Id/Othr/Id", transaction::DEBTOR_OTHER),
    Field("RltdPties/DbtrAcct/Id/Othr/SchmeNm/Cd", transaction::DEBTOR_SCHEME_CODE),
    Field("RltdPties/DbtrAcct/Id/Othr/SchmeNm/Prtry", transaction::DEBTOR_SCHEME_OWN),
    Known("RltdPties/DbtrAcct"),
    Field("RltdPties/UltmtDbtr/Nm", transaction::ULTIMATE_DEBTOR),
    Field("RltdPties/UltmtDbtr/Pty/Nm", transaction::ULTIMATE_DEBTOR),
    Known("RltdPties/UltmtDbtr"),
    Field("RltdPties/Cdtr/Nm", transaction::CREDITOR_NAME),
    Field("RltdPties/Cdtr/Pty/Nm", transaction::CREDITOR_NAME),
    Known("RltdPties/Cdtr"),
    Field("RltdPties/CdtrAcct/Id/IBAN", transaction::CREDITOR_IBAN),
    Field("RltdPties/CdtrAcct/Id/Othr/Id", transaction::CREDITOR_OTHER),
    Field("RltdPties/CdtrAcct/Id/Othr/SchmeNm/Cd", transaction::CREDITOR_SCHEME_CODE),
    Field("RltdPties/CdtrAcct/Id/Othr/SchmeNm/Prtry", transaction::CREDITOR_SCHEME_OWN),
    Known("RltdPties/CdtrAcct"),
    Field("RltdPties/UltmtCdtr/Nm", transaction::ULTIMATE_CREDITOR),
    Field("RltdPties/UltmtCdtr/Pty/Nm", transaction::ULTIMATE_CREDITOR),
    Known("RltdPties/UltmtCdtr"),
    Known("RltdPties/InitgPty"),
    Known("RltdPties/TradgPty"),
    Field("RltdAgts/DbtrAgt/FinInstnId/BIC", transaction::DEBTOR_BIC),
    Field("RltdAgts/DbtrAgt/FinInstnId/BICFI", transaction::DEBTOR_BIC),
    Field("RltdAgts/DbtrAgt/FinInstnId/ClrSysMmbId/MmbId", transaction::DEBTOR_CLEARING),
    Field("RltdAgts/CdtrAgt/FinInstnId/ClrSysMmbId/MmbId", transaction::CREDITOR_CLEARING),
    Known("RltdAgts"),
    Known("LclInstrm"),
    Field("Purp/Cd", transaction::PURPOSE),
    Field("Purp/Prtry", transaction::PURPOSE),
    Known("RltdRmtInf"),
    Field("RmtInf/Ustrd", transaction::UNSTRUCTURED),
    Scope("RmtInf/Strd", STRUCTURED, STRUCTURED_LINES),
    Known("RltdDts"),
    Known("RltdPric"),
    Known("RltdQties"),
    Known("Tax"),
    Field("RtrInf/Rsn/Cd", transaction::RETURN_CODE),
    Field("RtrInf/Rsn/Prtry", transaction::RETURN_CODE),
    Field("RtrInf/AddtlInf", transaction::RETURN_TEXT),
    Known("RtrInf/OrgnlBkTxCd"),
    Known("RtrInf/Orgtr"),
    Field("AddtlTxInf", transaction::TEXT),
];

static DEBTOR_LINES: &[Line] = &[
    Field("Nm", transaction::DEBTOR_NAME),
    Field("PstlAdr/StrtNm", transaction::DEBTOR_STREET),
    Field("PstlAdr/BldgNb", transaction::DEBTOR_BUILDING),
    Field("PstlAdr/PstCd", transaction::DEBTOR_POSTCODE),
    Field("PstlAdr/TwnNm", transaction::DEBTOR_CITY),
    Field("PstlAdr/Ctry", transaction::DEBTOR_COUNTRY),
    Field("PstlAdr/AdrLine", transaction::DEBTOR_LINE),
    Field("Id/OrgId/Othr/Id", transaction::DEBTOR_ID),
    Field("Id/PrvtId/Othr/Id", transaction::DEBTOR_ID),
    Known("Id"),
    Known("CtryOfRes"),
    Known("CtctDtls"),
];

static STRUCTURED_LINES: &[Line] = &[
    Field("RfrdDocInf/Tp/CdOrPrtry/Cd", structured::DOCUMENT_TYPE),
    Field("RfrdDocInf/Tp/CdOrPrtry/Prtry", structured::DOCUMENT_TYPE),
    Field("RfrdDocInf/Nb", structured::DOCUMENT_NUMBER),
    Known("RfrdDocInf/RltdDt"),
    Known("RfrdDocInf/Tp/Issr"),
    Field("RfrdDocAmt/RmtdAmt", structured::REMITTED),
    Field("RfrdDocAmt/CdtNoteAmt", structured::CREDITED),
    Known("RfrdDocAmt/DuePyblAmt"),
    Field("CdtrRefInf/Tp/CdOrPrtry/Cd", structured::REFERENCE_TYPE),
    Field("CdtrRefInf/Tp/CdOrPrtry/Prtry", structured::REFERENCE_TYPE),
    Known("CdtrRefInf/Tp/Issr"),
    Field("CdtrRefInf/Ref", structured::REFERENCE),
    Known("Invcr"),
    Known("Invcee"),
    Field("AddtlRmtInf", structured::MORE),
];

static GROUP_LINES: &[Line] = &[
    Field("MsgId", message::ID),
    Known("CreDtTm"),
    Known("MsgRcpt"),
    Known("MsgPgntn"),
    Known("OrgnlBizQry"),
    Known("AddtlInf"),
];

static LINES: &[Line] = &[
    Within("BkToCstmrStmt/GrpHdr", GROUP_LINES),
    Within("BkToCstmrDbtCdtNtfctn/GrpHdr", GROUP_LINES),
    Scope("BkToCstmrStmt/Stmt", STATEMENT, STATEMENT_LINES),
    Scope("BkToCstmrDbtCdtNtfctn/Ntfctn", STATEMENT, STATEMENT_LINES),
];

/// The form, compiled once.
pub(super) fn form() -> &'static Form {
    static FORM: OnceLock<Form> = OnceLock::new();
    FORM.get_or_init(|| Form::new(LINES))
}
