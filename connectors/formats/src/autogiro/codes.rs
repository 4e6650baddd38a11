//! Codes of Autogiro and what they mean (*Bg Autogiro, Teknisk manual*, August 2014, pp. 45-57). Retired codes are
//! kept: older files have them.

/// Information code of TK73 (positions 62-63): what happened to a mandate, and by whom.
pub(super) fn information(code: &str) -> Option<&'static str> {
    Some(match code {
        "03" => "Makulering, begärd av betalningsmottagaren",
        "04" => "Nytt medgivande, upplagt av betalningsmottagaren",
        "05" => "Byte av betalarnummer, begärt av betalningsmottagaren",
        "10" => "Makulerat, eftersom betalningsmottagarens bankgironummer har upphört",
        "42" => "Svar på kontoförfrågan till betalarens bank",
        "43" => "Borttaget, eftersom kontoförfrågan inte har besvarats",
        "44" => "Makulerat, eftersom betalarens bankgironummer har upphört",
        "46" => "Makulering, begärd av betalaren eller betalarens bank",
        "93" => "Makulering, begärd av betalaren",
        _ => return None,
    })
}

/// Comment code of TK73 (positions 64-65): how it went.
pub(super) fn comment(code: &str) -> Option<&'static str> {
    Some(match code {
        "01" => "Makulerat på bankens initiativ",
        "02" => "Makulerat på betalarens eller betalarens banks initiativ",
        "03" => "Kontotypen är inte tillåten för autogiro",
        "04" => "Medgivandet finns inte i medgivanderegistret",
        "05" => "Fel bankkonto- eller personuppgifter",
        "06" => "Makulerat av Bankgirot",
        "07" => "Borttaget, eftersom kontoförfrågan inte har besvarats",
        "09" => "Betalarens bankgironummer finns inte",
        "10" => "Medgivandet finns redan eller väntar på svar",
        "11" => "Stoppat av betalaren",
        "12" => "Betalarens stopp är hävt",
        "20" => "Fel person- eller organisationsnummer, eller avtal saknas",
        "21" => "Fel betalarnummer",
        "23" => "Fel bankkontonummer",
        "24" => "Maxbelopp är inte tillåtet",
        "29" => "Fel bankgironummer för betalningsmottagaren",
        "30" => "Betalningsmottagarens bankgironummer är avregistrerat",
        "32" => "Nytt medgivande",
        "33" => "Makulerat",
        "98" => "Makulerat, eftersom betalarens bankgironummer är makulerat",
        _ => return None,
    })
}

/// What TK73 says has happened to the mandate.
pub(super) fn event(information: &str, comment: &str) -> &'static str {
    match (information, comment) {
        ("05", "32") => "payer_number_changed",
        (_, "32" | "12") => "created",
        (_, "01" | "02" | "06" | "07" | "11" | "33" | "98") => "cancelled",
        ("10" | "43" | "44" | "46" | "93", "" | "00") => "cancelled",
        _ => "rejected",
    }
}

/// Status of a payment (position 80 of TK82 and TK32) that was not carried out.
pub(super) fn status(code: u8) -> Option<(&'static str, &'static str)> {
    Some(match code {
        b'1' => ("stopped", "Täckning saknas"),
        b'2' => ("stopped", "Koppling till konto saknas, eller annat skäl"),
        b'9' => ("pending", "Täckning saknas, nytt försök kommer att göras"),
        _ => return None,
    })
}

/// Why a payment was refused (positions 59-60 of a rejected TK82 or TK32).
pub(super) fn rejection(code: &str) -> Option<&'static str> {
    Some(match code {
        "01" => "Medgivande saknas",
        "02" => "Kontot är avslutat eller inte tillåtet",
        "03" => "Medgivandet är stoppat",
        "04" => "Betalarens bankgironummer saknas",
        "05" => "Fel betalarnummer",
        "06" => "Fel periodkod",
        "07" => "Fel antal gånger för självförnyande uppdrag",
        "08" => "Beloppet är inte numeriskt",
        "09" => "Utbetalningar är inte tillåtna",
        "10" => "Bankgironumret finns inte",
        "12" => "Fel betalningsdag",
        "13" => "Betalningsdagen är passerad",
        "15" => "Bankgironumret är ett annat än i öppningsposten",
        "24" => "Beloppet är större än maxbeloppet",
        _ => return None,
    })
}

/// What became of a cancellation or change (positions 73-74): status of the payment, and the reason.
pub(super) fn amendment(code: &str) -> (&'static str, Option<&'static str>) {
    match code {
        "01" => ("unchanged", Some("Fel betalningsdag")),
        "02" => ("unchanged", Some("Fel betalarnummer")),
        "04" => ("unchanged", Some("Fel transaktionskod")),
        "05" => ("unchanged", Some("Fel belopp")),
        "06" => ("unchanged", Some("Fel ny betalningsdag")),
        "10" => ("unchanged", Some("Bankgironumret har fel kontrollsiffra")),
        "11" => ("unchanged", Some("Bankgironumret är noll eller blankt")),
        "12" => ("cancelled", Some("Makulerad")),
        "13" => ("unchanged", Some("Betalningen finns inte")),
        "14" => ("changed", Some("Betalningsdagen är ändrad")),
        "15" => ("unchanged", Some("Inte ändrad, eftersom uppdraget är självförnyande")),
        "18" => ("changed", Some("Betalningsdagen är ändrad")),
        _ => ("unchanged", None),
    }
}

/// Why a payment was taken back (positions 78-79 of TK77) is a number of the manual's own.
pub(super) fn is_refund(code: &str) -> bool {
    matches!(code, "01" | "02" | "03")
}
