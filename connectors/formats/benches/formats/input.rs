//! Large valid files of each format, made of the records that the tests have.

/// Makes a file of about so many bytes.
pub type Write = fn(usize) -> Vec<u8>;

/// What is measured: a name, the format, its file.
pub const INPUTS: &[(&str, &str, Write)] = &[
    ("bgmax", "bgmax", |size| bgmax(size, true)),
    ("bgmax without payers", "bgmax", |size| bgmax(size, false)),
    ("autogiro", "autogiro", autogiro),
    ("lb", "lb", lb),
    ("totalin", "totalin", totalin),
    ("swish", "swish", swish),
    ("sie", "sie", sie),
    ("erp_customer_item", "erp_customer_item", customer_items),
    ("camt", "camt", |size| xml(size, include_str!("../../src/camt/tests/statement.xml"), "Ntry", "B-1")),
    ("pain002", "pain002", pain002),
    ("abw", "abw", |size| xml(size, include_str!("../../src/abw/tests/voucher.xml"), "Voucher", "1007")),
    ("ubl of 8 kB", "ubl", |size| INVOICE.repeat(size / INVOICE.len() + 1).into_bytes()),
    ("ubl of 2 000 lines", "ubl", |size| {
        let long = long_invoice();
        long.repeat(size / long.len() + 1).into_bytes()
    }),
];

const INVOICE: &str = include_str!("../../src/ubl/tests/invoice.xml");
/// What each payment is worth, in öre.
const AMOUNT: usize = 10_000;

/// Invoices that stand behind each other.
pub fn documents(file: &[u8]) -> Vec<&[u8]> {
    let starts = memchr::memmem::find_iter(file, "<?xml").collect::<Vec<_>>();
    let ends = starts.iter().skip(1).copied().chain([file.len()]);
    starts.iter().zip(ends).map(|(start, end)| &file[*start..end]).collect()
}

fn long_invoice() -> String {
    let start = INVOICE.find("<cac:InvoiceLine>").unwrap_or_default();
    let end = INVOICE.find("</cac:InvoiceLine>").map_or(start, |end| end + "</cac:InvoiceLine>\n  ".len());
    format!("{}{}{}", &INVOICE[..start], INVOICE[start..end].repeat(2_000), &INVOICE[end..])
}

/// Records of 80 characters: texts at 1-based positions.
#[derive(Default)]
struct Records {
    bytes: Vec<u8>,
    count: usize,
}

impl Records {
    fn add(&mut self, fields: &[(usize, &str)]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[b' '; 80]);
        for (from, text) in fields {
            for (index, character) in text.chars().enumerate() {
                self.bytes[start + from - 1 + index] = u8::try_from(character).unwrap_or(b'?');
            }
        }
        self.bytes.extend_from_slice(b"\r\n");
        self.count += 1;
    }
}

/// Deposits of a thousand payments.
fn bgmax(size: usize, payers: bool) -> Vec<u8> {
    const PAYMENTS: usize = 1_000;
    let mut file = Records::default();
    file.add(&[(1, "01BGMAX"), (23, "0120260302173035010331P")]);
    let mut deposits = 0;
    while file.bytes.len() < size {
        file.add(&[(1, "050009912346"), (23, "SEK")]);
        for payment in 1..=PAYMENTS {
            let serial = deposits * PAYMENTS + payment;
            let head = format!("200050501055{:>25}{AMOUNT:018}21{serial:012}0", "12345674");
            file.add(&[(1, &head)]);
            if payers {
                file.add(&[(1, "26Kalles Plåt AB"), (38, "Ekonomi")]);
                file.add(&[(1, "27Storgatan 2"), (38, "123 45")]);
                file.add(&[(1, "28Storåker")]);
                file.add(&[(1, "29005560360793")]);
            }
        }
        deposits += 1;
        let sum = format!("{:018}SEK{PAYMENTS:08}", PAYMENTS * AMOUNT);
        let head = format!("15{:035}20260302{deposits:05}", 89_010_032_323_232_u64);
        file.add(&[(1, &head), (51, &sum)]);
    }
    file.add(&[(1, &format!("70{:08}{:08}{:08}{deposits:08}", deposits * PAYMENTS, 0, 0))]);
    file.bytes
}

fn autogiro(size: usize) -> Vec<u8> {
    let rows = size / 82;
    let mut file = Records::default();
    file.add(&[(1, "01AUTOGIRO"), (25, "20260302193055123456BET. SPEC & STOPP TK4711170009912346")]);
    file.add(&[(1, &format!("15{:0>35}2026030200001{:018}", "8901", AMOUNT * rows)), (72, &format!("{rows:08}"))]);
    for row in 1..=rows {
        let payment = format!("82202603020   {:>17}{AMOUNT:012}0009912346", format!("{row:016}"));
        file.add(&[(1, &payment), (54, "FAKTNR156"), (80, "0")]);
    }
    file.add(&[(1, &format!("09202603029900000001{rows:012}{:036}", 0))]);
    file.bytes
}

/// A payment specification, with the name of each payee.
fn lb(size: usize) -> Vec<u8> {
    let rows = size / 164;
    let mut file = Records::default();
    file.add(&[(1, "110009912346260302LEVERANTÖRSBETALNINGAR2603031")]);
    for row in 1..=rows {
        file.add(&[(1, "26"), (3, "0050501055"), (13, "LASTBILAR HB")]);
        file.add(&[(1, &format!("140050501055{row:025}{AMOUNT:012}C{row:010}VERIF 19"))]);
    }
    file.add(&[(1, &format!("290009912346{rows:08}{:012}", rows * AMOUNT))]);
    file.bytes
}

/// Accounts of a thousand payments.
fn totalin(size: usize) -> Vec<u8> {
    const PAYMENTS: usize = 1_000;
    let mut file = Records::default();
    file.add(&[(1, "00TI222222"), (15, "2026030204133012345601TL1TOTALIN")]);
    let mut serial = 0_u64;
    while file.bytes.len() < size {
        file.add(&[(1, "102865434"), (39, "SEK20260302")]);
        for _ in 0..PAYMENTS {
            serial += 1;
            file.add(&[(1, &format!("20{:>35}{AMOUNT:015}{serial:017}", "12345674"))]);
            file.add(&[(1, "602865434"), (39, "1")]);
            file.add(&[(1, "61TESTBOLAGET AB")]);
            file.add(&[(1, "6312345    TESTSTAD")]);
        }
        let reference = format!("202603{:05}", serial / 1_000);
        file.add(&[(1, &format!("90{PAYMENTS:08}{:017}{reference}", PAYMENTS * AMOUNT))]);
    }
    file.add(&[(1, &format!("99{:015}", file.count + 1))]);
    file.bytes
}

/// Handelsbanken's layout.
fn swish(size: usize) -> Vec<u8> {
    let mut file = "01;2026-04-01;2026-03-31;06:00\r\n".to_owned();
    let mut rows = 0;
    while file.len() < size {
        rows += 1;
        file.push_str(
            "02;5566778899;123456789;HANDSESS;1235524400;2026-03-31;SWH;100,00;SEK;+46700000001;Testsson, Test;",
        );
        file.push_str(&format!("{rows:016};Faktura 4711;;2026-03-31T13:32:22:683413;2026-04-01;I-{rows};E-{rows}\r\n"));
    }
    file.push_str(&format!("03;{rows}\r\n"));
    file.into_bytes()
}

fn sie(size: usize) -> Vec<u8> {
    let mut file = "#FLAGGA 0\r\n#FORMAT PC8\r\n#SIETYP 4\r\n#PROGRAM \"Test\" 1.0\r\n#GEN 20260402\r\n#FNR 110\r\n\
                    #FNAMN \"Test\"\r\n#RAR 0 20260101 20261231\r\n#KONTO 1930 \"Bank\"\r\n#KONTO 3010 \"Intakt\"\r\n#IB 0 1930 0\r\n"
        .to_owned();
    let mut voucher = 0;
    while file.len() < size {
        voucher += 1;
        file.push_str(&format!("#VER A {voucher} 20260315 \"Inbetalning {voucher}\" 20260316 AB\r\n{{\r\n"));
        file.push_str("\t#TRANS 1930 {} 500.50 20260315 \"Rad 1\"\r\n");
        file.push_str("\t#TRANS 3010 {1 \"10\" 6 \"P 1\"} -500.50 \"\" \"\" 2\r\n}\r\n");
    }
    file.into_bytes()
}

fn customer_items(size: usize) -> Vec<u8> {
    let mut file =
        "POSTID;KUNDNR;KUNDNAMN;ORGNR;FÖRVALTNING;KONTO;VERNR;VERTYP;FAKTURANR;OCR;FAKTURADATUM;FÖRFALLODATUM;VALUTA;\
                    BELOPP;REST;PERIOD;KÄLLA;BETALARNR;AVSÄNDARKONTO\n"
            .to_owned();
    let mut rows = 0_u64;
    while file.len() < size {
        rows += 1;
        file.push_str(&format!("SU-{rows}-1;K{rows};Testsson Tove;189001019802;104;1512;{rows};KF;{rows};12345674;"));
        file.push_str("2026-03-01;2026-03-31;SEK;1 572,00;1 000,50;202603;BER;;\n");
    }
    file.push_str(&format!("SUMMA;{rows};{},{:02}\n", rows * 100_050 / 100, rows * 100_050 % 100));
    // A character of these is a byte of Windows-1252.
    file.chars().map(|character| u8::try_from(character).unwrap_or(b'?')).collect()
}

/// A report without the numbers of what it reports on.
fn pain002(size: usize) -> Vec<u8> {
    let mut report = include_str!("../../src/pain002/tests/report.xml").to_owned();
    for number in ["OrgnlNbOfTxs", "OrgnlCtrlSum", "NbOfTxsPerSts"] {
        let (open, close) = (format!("<{number}>"), format!("</{number}>"));
        while let (Some(from), Some(to)) = (report.find(&open), report.find(&close)) {
            report.replace_range(from..to + close.len(), "");
        }
    }
    xml(size, &report, "TxInfAndSts", "ST-1")
}

/// A document whose elements `element` are repeated; `number` in them is another each time.
fn xml(size: usize, document: &str, element: &str, number: &str) -> Vec<u8> {
    let first = document.find(&format!("<{element}>")).unwrap_or_default();
    let close = format!("</{element}>");
    let end = document.rfind(&close).map_or(document.len(), |end| end + close.len());
    let head = document.find("<TxsSummry>").unwrap_or(first);
    let mut file = document[..head].to_owned();
    let pieces: Vec<&str> = document[first..end].split(number).collect();
    let mut counter = 1_000_000;
    while file.len() < size {
        counter += 1;
        let own = number.replace(|character: char| character.is_ascii_digit(), "") + &counter.to_string();
        file.push_str(&pieces.join(&own));
    }
    file.push_str(&document[end..]);
    file.into_bytes()
}
