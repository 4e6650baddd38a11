//! What can be noticed about a Total IN file without refusing it.

use crate::fixed::remarks;

remarks! {
    TIMESTAMP "totalin.timestamp"
        "the time at which the file was made cannot be read"
        "Tidpunkten då filen skapades går inte att läsa"
    ACCOUNT_CHECK_DIGIT "totalin.account_check_digit"
        "the receiving plusgiro number has a wrong check digit"
        "Mottagarens plusgironummer har fel kontrollsiffra"
    ACCOUNT_REPEATED "totalin.account_repeated"
        "two deposits have the same account, date and statement reference"
        "Två insättningar har samma konto, datum och kontoutdragsreferens"
    SERIAL_REPEATED "totalin.serial_repeated"
        "a payment's serial number stands on an earlier payment of the file"
        "En betalnings löpnummer finns på en tidigare betalning i filen"
    ORIGIN "totalin.origin"
        "the origin of a payer's account is neither 1 nor 2"
        "Betalarkontots ursprung är varken 1 eller 2"
    RECORD_REPEATED "totalin.record_repeated"
        "a record that a payment has once stands twice; the first counts"
        "En post som en betalning har en gång finns två gånger; den första gäller"
    FOREIGN "totalin.foreign_unreadable"
        "charge, amount or rate of a foreign payment cannot be read"
        "Avgift, belopp eller kurs för en utlandsbetalning går inte att läsa"
    RATE "totalin.rate"
        "a foreign amount times its rate is not the payment"
        "Ett utländskt belopp gånger kursen är inte betalningen"
}
