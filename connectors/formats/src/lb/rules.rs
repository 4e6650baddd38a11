//! What can be noticed about a file of Leverantörsbetalningar without refusing it.

use crate::fixed::remarks;

remarks! {
    HEADER_DATE "lb.header_date"
        "the date in the opening record (TK11) cannot be read"
        "Datumet i öppningsposten (TK11) går inte att läsa"
    ACCOUNT "lb.account"
        "a giro number is no number or has a wrong check digit"
        "Ett gironummer är inget nummer eller har fel kontrollsiffra"
    END_ACCOUNT "lb.end_account"
        "the end record (TK29) is for another bankgiro than the opening record (TK11)"
        "Slutposten (TK29) gäller ett annat bankgiro än öppningsposten (TK11)"
    PAYMENT_DATE "lb.payment_date"
        "a date cannot be read"
        "Ett datum går inte att läsa"
    AMOUNT_UNREADABLE "lb.amount_unreadable"
        "the amount of a payment that the bank refused cannot be read"
        "Beloppet i en betalning som banken har avvisat går inte att läsa"
    INFORMATION_REJECTED "lb.information_rejected"
        "the bank refused a record that concerns all payments"
        "Banken har avvisat en post som gäller alla betalningar"
    REASON_MISSING "lb.reason_missing"
        "a refused or stopped payment has no reason (TK49)"
        "En avvisad eller stoppad betalning saknar orsak (TK49)"
    CREDIT_REMAINDER "lb.credit_remainder"
        "a credit note's original amount is not what was used of it and what is left"
        "Ett kreditbelopps ursprung är inte vad som har använts och vad som återstår"
    BALANCE_SUM "lb.balance_sum"
        "the monitored amounts (TK43) are not what the balance record (TK42) says"
        "De bevakade beloppen (TK43) är inte vad saldoposten (TK42) anger"
}
