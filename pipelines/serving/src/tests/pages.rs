use std::collections::{BTreeMap, BTreeSet};

use axum::body::Body;
use axum::http::{Request, StatusCode};

use super::fake::{AWKWARD, Fake, PAYMENT_FILE, REFUSED_FILE};
use super::{get, get_from, send, serve};
use crate::source::SourceError;

/// Every page, each in the state that shows most.
const PAGES: [&str; 14] = [
    "/",
    "/koer/kund-ej-matchade",
    "/koer/lev-felaktiga",
    "/koer/lev-tom",
    "/arenden/e0000",
    "/arenden/e0000/varfor",
    "/filer",
    "/filer/aa11bb22cc33dd44aa11bb22cc33dd44aa11bb22cc33dd44aa11bb22cc33dd44",
    "/filer/ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00",
    "/avvisade",
    "/tabeller",
    "/tabeller/ar23_unmatched_payment",
    "/korning",
    "/api",
];

/// Values of an attribute, in order.
fn attributes<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
    let start = format!(" {name}=\"");
    html.split(start.as_str()).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

fn count(html: &str, text: &str) -> usize {
    html.matches(text).count()
}

#[tokio::test]
async fn every_page_is_whole_and_can_be_read_by_everyone() {
    for path in PAGES {
        let answer = get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        let html = answer.text();
        assert!(html.starts_with("<!doctype html>\n<html lang=\"sv\">"), "{path}");
        assert_eq!(count(html, "<h1"), 1, "{path}: one h1");
        assert_eq!(count(html, "<main id=\"innehall\""), 1, "{path}");
        assert!(html.contains("href=\"#innehall\""), "{path}: skip link");
        assert_eq!(count(html, "<table"), count(html, "<caption"), "{path}: every table has a caption");
        let bare_heads = count(html, "<th>") + count(html, "<th class");
        assert_eq!(bare_heads, 0, "{path}: every head says what it is the head of");
        for place in ["<section", "<table", "<dl", "<ul", "<ol", "<div", "<p>", "<td", "<a ", "<nav", "<details"] {
            let name = place.trim_matches(['<', '>', ' ']);
            let open = count(html, &format!("<{name} ")) + count(html, &format!("<{name}>"));
            assert_eq!(open, count(html, &format!("</{name}>")), "{path}: {name} is closed");
        }
        let labelled: BTreeSet<&str> = attributes(html, "for").into_iter().collect();
        for (field, hidden) in [("<input ", "type=\"hidden\""), ("<select ", "type=\"hidden\"")] {
            for tag in html.split(field).skip(1).filter_map(|rest| rest.split('>').next()) {
                let id = tag.split("id=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or("");
                assert!(tag.contains(hidden) || labelled.contains(id), "{path}: {tag} has no label");
            }
        }
        let ids = attributes(html, "id");
        assert_eq!(ids.len(), ids.iter().collect::<BTreeSet<_>>().len(), "{path}: an id stands twice");
        for (level, deeper) in [("<h2", "<h3"), ("<h3", "<h4")] {
            assert!(
                !html.contains(deeper) || html.find(level) < html.find(deeper),
                "{path}: a heading level is left out"
            );
        }
    }
}

#[tokio::test]
async fn pages_run_nothing_and_load_nothing_from_elsewhere() {
    for path in PAGES {
        let answer = get(path).await;
        let html = answer.text();
        for forbidden in ["<script", "<iframe", "style=\"", " onclick=x>", "javascript:", "src=\"http"] {
            assert!(!html.contains(forbidden), "{path}: {forbidden}");
        }
        for address in attributes(html, "href") {
            assert!(address.starts_with(['/', '#']), "{path}: {address}");
        }
        assert!(answer.header("content-security-policy").contains("script-src 'none'"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
    }
}

#[tokio::test]
async fn what_pages_say_of_persons_is_not_kept_by_anyone_in_between() {
    for path in PAGES.iter().filter(|path| **path != "/api") {
        let cache = get(path).await.header("cache-control").to_owned();
        assert!(cache == "private, no-cache" || cache == "no-store", "{path}: {cache}");
    }
}

#[tokio::test]
async fn why_a_row_is_there_is_told_from_the_control_to_the_file_without_persons() {
    let page = get("/arenden/e0000/varfor").await;
    let html = page.text();
    for told in [
        "<h1>Varför finns raden här?</h1>",
        "Provat: räknat på nytt",
        "Inbetalningar från banken",
        "SFS &#60;x&#62;",
        "bg&#38;max.txt",
        "Det här söktes men fanns inte",
        "i Kundreskontrans poster i ekonomisystemet",
    ] {
        assert!(html.contains(told), "{told} is missing in {html}");
    }
    assert!(!html.contains("Hemlig Person"), "who a person is does not stand here");
    assert!(get("/arenden/e0000").await.text().contains("/arenden/e0000/varfor"), "the exception links to it");
}

/// Every internal link of every page that can be reached, with the page where it stands.
#[tokio::test]
async fn no_link_is_broken() {
    let router = serve(Fake::new());
    let mut seen: BTreeMap<String, String> = BTreeMap::from([("/".to_owned(), String::new())]);
    let mut next = vec!["/".to_owned()];
    while let Some(path) = next.pop() {
        let answer = get_from(&router, &path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}, linked from {}", seen[&path]);
        if !answer.header("content-type").starts_with("text/html") {
            continue;
        }
        for link in attributes(answer.text(), "href").into_iter().filter(|link| link.starts_with('/')) {
            let link = link.replace("&amp;", "&").replace("&#38;", "&");
            if seen.insert(link.clone(), path.clone()).is_none() {
                next.push(link);
            }
        }
    }
    for expected in ["/stil.css", "/api/v1/openapi.json", "/tabeller/fee29_monthly_fee", "/koer/lev-tom"] {
        assert!(seen.contains_key(expected), "{expected} cannot be reached");
    }
    assert!(seen.len() > 150, "only {} pages", seen.len());
}

#[tokio::test]
async fn the_start_page_counts_queues_and_says_how_the_money_adds_up() {
    let page = get("/").await;
    page.has("132 ärenden väntar. Försenade: 1.");
    page.has("Ej matchade inbetalningar");
    // Kronor: -1 234,50 + (2 + … + 129) + 128 · 0,25. Euro are not added to them.
    page.has("<td class=\"number\">7\u{a0}181,50\u{a0}kr<br>99,00\u{a0}EUR");
    page.has("försenad 3\u{a0}arbetsdagar</span> <span class=\"day\">2026-03-26");
    page.has("8\u{a0}500,75\u{a0}kr</td>");
    page.has("ja, på öret");
    page.has("alla 2 håller");
    page.has("Resultat nummer 7 för 2026-03-31, publicerat 2026-03-31\u{a0}07:12");
    assert_eq!(page.header("reskontra-generation"), "7");
}

#[tokio::test]
async fn a_run_that_was_held_is_told_on_the_start_page() {
    let router = serve(Fake::held());
    let page = get_from(&router, "/").await;
    page.has("role=\"alert\"");
    page.has("Den senaste körningen publicerades inte");
    page.has("(1 av 2)");
    let run = get_from(&router, "/korning").await;
    run.has("håller inte");
    run.has("Det senaste goda resultatet, nummer 7, ligger kvar.");
    get("/").await.has_not("role=\"alert\"");
}

#[tokio::test]
async fn a_queue_shows_the_most_urgent_first_and_why() {
    let page = get("/koer/kund-ej-matchade").await;
    let html = page.text();
    let at = |text: &str| html.find(text).unwrap_or_else(|| panic!("no {text}"));
    assert!(at("bgmax:0000") < at("bgmax:0001") && at("bgmax:0001") < at("bgmax:0002"));
    page.has("Inbetalningen bgmax:0000 på \u{2212}1\u{a0}234,50\u{a0}kr den 2026-03-20 kunde inte kopplas");
    page.has("referensen &#60;saknas&#62; &#38; beloppet");
    page.has("på 99,00\u{a0}EUR den uppgift saknas");
    page.has("i dag</span> <span class=\"day\">2026-03-31");
    page.has("Visar 1–50 av 130 ärenden, sida 1 av 3.");
    page.has("aria-sort=\"ascending\"");
    page.has("Handläggningstid SLA06: 5 arbetsdagar.");
}

#[tokio::test]
async fn pages_of_a_queue_hold_every_exception_once() {
    let router = serve(Fake::new());
    let mut seen = BTreeSet::new();
    let mut path = Some("/koer/kund-ej-matchade?ordning=-belopp".to_owned());
    while let Some(here) = path {
        let page = get_from(&router, &here).await;
        let html = page.text();
        for link in attributes(html, "href").into_iter().filter(|link| link.starts_with("/arenden/")) {
            assert!(seen.insert(link.to_owned()), "{link} stands twice");
        }
        let next = html
            .split("<a href=\"")
            .skip(1)
            .find(|rest| rest.contains("rel=\"next\"") && rest.find("rel=\"next\"") < rest.find('>'));
        path = next.and_then(|rest| rest.split('"').next()).map(|link| link.replace("&#38;", "&"));
        if let Some(path) = &path {
            assert!(path.contains("generation=7") && path.contains("ordning=-belopp"), "{path}");
        }
    }
    assert_eq!(seen.len(), 130);
}

#[tokio::test]
async fn a_queue_is_filtered_by_department_and_key() {
    let unknown = get("/koer/kund-ej-matchade?forvaltning=-").await;
    unknown.has("Visar 1–1 av 1 ärenden");
    unknown.has("bgmax:0001");
    let found = get("/koer/kund-ej-matchade?forvaltning=Sk%C3%A4rholmen&sok=BGMAX:012").await;
    found.has("Visar 1–5 av 5 ärenden");
    found.has("<option value=\"Skärholmen\" selected>Skärholmen (65)</option>");
    found.has("value=\"BGMAX:012\"");
    let none = get("/koer/kund-ej-matchade?sok=%22%3E%3Cscript%3E").await;
    none.has("Inget ärende passar urvalet.");
    none.has_not("<script");
}

#[tokio::test]
async fn a_queue_is_sorted_by_its_amount() {
    let first_key = |page: &super::Answer| page.text().split("class=\"what\">").nth(1).unwrap()[..80].to_owned();
    let largest = get("/koer/kund-ej-matchade?ordning=-belopp").await;
    assert!(first_key(&largest).contains("e0129"), "{}", first_key(&largest));
    largest.has("aria-sort=\"descending\"");
    let smallest = get("/koer/kund-ej-matchade?ordning=belopp").await;
    assert!(first_key(&smallest).contains("e0000"), "{}", first_key(&smallest));
    assert_eq!(get("/koer/kund-ej-matchade?ordning=payer_name").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_queue_of_two_jobs_shows_one_at_a_time() {
    let first = get("/koer/lev-felaktiga").await;
    first.has("d0001 1/ö");
    first.has_not("u0001 1/ö");
    first.has("aria-current=\"true\">Dubbletter</a>");
    let second = get("/koer/lev-felaktiga?jobb=ap10_unbalanced_invoice").await;
    second.has("Fakturan u0001 1/ö bryter mot BR-CO-15.");
    second.has_not("d0001 1/ö");
    assert_eq!(get("/koer/lev-felaktiga?jobb=fee29_monthly_fee").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_exception_says_why_what_to_do_and_what_it_rests_on() {
    let page = get(&format!("/arenden/{AWKWARD}")).await;
    page.has("Varför ärendet finns");
    page.has("Välj rätt faktura bland förslagen");
    page.has("&#60;b onclick=x&#62;Åsa&#60;/b&#62; &#38; Öbergs &#34;Måleri&#34;");
    page.has("<td class=\"number\">1\u{a0}234,50\u{a0}kr</td>");
    page.has("&#60;i&#62;Ärlig&#60;/i&#62; AB");
    page.has("taget, anna.ek");
    page.has("Ringer &#60;betalaren&#62;");
    page.has("payment_in, byte 574–638");
    page.has("2000000000");
    page.has("&#60;script&#62;alert(1)&#60;/script&#62;\n26Åsa Öberg &#38; Söner␇</code>");
    page.has("Tolkad som ISO-8859-1.");
    page.has("Originalet går inte att läsa just nu.");
    page.has("BgMax_&#60;å&#62;.txt</a>");
    page.has(&format!("/filer/{PAYMENT_FILE}"));
    let bare = get("/arenden/e0001").await;
    bare.has("Ärendet bygger inte på någon enskild post.");
    bare.has("<span class=\"unseen\">uppgift saknas</span>");
}

#[tokio::test]
async fn an_exception_is_found_whatever_job_it_comes_from() {
    get("/arenden/u0001").await.has("bryter mot BR-CO-15");
    get("/arenden/u0001?jobb=ar23_unmatched_payment").await.has("bryter mot BR-CO-15");
    assert_eq!(get("/arenden/nosuch").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn files_tell_their_verdict_reason_and_sums() {
    let list = get("/filer").await;
    list.has("BgMax_&#60;å&#62;.txt");
    list.has(
        "Insättningens summa är 100,00 kr men filen uppger 200,00 kr <span class=\"day\">(rad 12, kolumn 38)</span>",
    );
    let refused = get("/filer?utfall=refused").await;
    refused.has("Visar 1–1 av 1 filer");
    let accepted = get(&format!("/filer/{PAYMENT_FILE}")).await;
    for text in
        ["8\u{a0}500,75\u{a0}kr", "8\u{a0}400,75\u{a0}kr", "100,00\u{a0}kr", "En tom rad hoppades över", "rad 4"]
    {
        accepted.has(text);
    }
    accepted.has("Beloppet är inte ett tal");
    accepted.has("20Å&#60;script&#62;x&#60;/script&#62;");
    let refused = get(&format!("/filer/{REFUSED_FILE}")).await;
    refused.has("Plats i filen: rad 12, kolumn 38");
    refused.has("Inget i filen räknas.");
    refused.has("Filen har inga belopp.");
}

#[tokio::test]
async fn rejects_are_listed_with_their_bytes() {
    let page = get("/avvisade").await;
    for text in ["Beloppet är inte ett tal", "byte 10742–10822", "bgmax.amount", "100,00\u{a0}kr"] {
        page.has(text);
    }
    get("/avvisade?kod=annan").await.has("Inga avvisade poster.");
    get(&format!("/avvisade?fil={PAYMENT_FILE}&kod=bgmax.amount")).await.has("Visar 1–1 av 1");
}

#[tokio::test]
async fn a_table_explains_its_columns_and_can_be_searched() {
    let page = get("/tabeller/fee29_monthly_fee").await;
    page.has("the rate of &#60;the&#62; row");
    page.has("<th scope=\"col\" class=\"number\" title=\"the fee of &#60;the&#62; row\">Avgift</th>");
    page.has("1\u{a0}847,00\u{a0}kr");
    page.has("&#60;b&#62;Åke;&#60;/b&#62;");
    let found = get("/tabeller/fee29_monthly_fee?sok=P2").await;
    found.has("Visar 1–1 av 1 rader");
    found.has_not("Åke");
}

#[tokio::test]
async fn a_table_of_exceptions_leads_to_their_pages_and_counts_lists() {
    let page = get("/tabeller/ar23_unmatched_payment").await;
    page.has("<a href=\"/arenden/e0000?jobb=ar23_unmatched_payment\">Visa<span class=\"unseen\"> ärende bgmax:0000</span></a>");
    page.has("<td class=\"text\">2\u{a0}st</td>");
    page.has("<td class=\"fixed\">2026-03-20</td>");
    page.has("<td class=\"fixed\">2026-03-26</td>");
    page.has_not("F-1001");
}

#[tokio::test]
async fn a_csv_opens_in_a_spreadsheet_as_what_it_is() {
    let answer = get("/tabeller/fee29_monthly_fee/csv").await;
    assert_eq!(
        answer.text(),
        "\u{feff}placement_id;month;fee;rate;child_name;protected\r\n\
         '=1+1;2026-03-01;1847,00;3,0000;\"<b>Åke;</b>\";nej\r\n\
         p2;2026-03-01;;;;ja\r\n"
    );
    assert_eq!(answer.header("content-disposition"), "attachment; filename=\"fee29_monthly_fee_g7.csv\"");
    assert_eq!(answer.header("reskontra-generation"), "7");
}

#[tokio::test]
async fn a_json_download_holds_every_row_as_it_is() {
    let answer = get("/tabeller/ar23_unmatched_payment/json").await.json();
    assert_eq!(answer["generation"], 7);
    assert_eq!(answer["rows"].as_array().unwrap().len(), 130);
    assert_eq!(answer["rows"][0]["residual"], "-1234.50");
    assert_eq!(answer["rows"][0]["candidates"][0]["invoice_no"], "F-1001");
    let empty = get("/tabeller/ap31_not_executed/json").await.json();
    assert_eq!(empty["rows"].as_array().map(Vec::len), Some(0));
}

#[tokio::test]
async fn an_older_generation_can_be_read_and_says_so() {
    let page = get("/koer/kund-ej-matchade?generation=6").await;
    assert_eq!(page.header("reskontra-generation"), "6");
    page.has("Du läser ett äldre resultat (nummer 6).");
    page.has("<input type=\"hidden\" name=\"generation\" value=\"6\">");
    page.has("/arenden/e0000?jobb=ar23_unmatched_payment&#38;generation=6");
    let exception = get("/arenden/e0000?generation=6").await;
    exception.has("href=\"/koer/kund-ej-matchade?jobb=ar23_unmatched_payment&#38;generation=6\"");
    exception.has(&format!("href=\"/filer/{PAYMENT_FILE}?generation=6\""));
    get("/koer/kund-ej-matchade?generation=7").await.has_not("äldre resultat");
    let gone = get("/koer/kund-ej-matchade?generation=3").await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    gone.has("Resultat nummer 3 finns inte");
    assert_eq!(get("/?generation=sju").await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn what_a_reader_has_is_not_read_again() {
    let fake = std::sync::Arc::new(Fake::new());
    let router = crate::router(fake.clone(), std::sync::Arc::new(|| super::NOW.parse().unwrap()));
    let first = get_from(&router, "/filer").await;
    let tag = first.header("etag").to_owned();
    let reads = *fake.reads.lock().unwrap();
    let request = |path: &str| Request::get(path).header("if-none-match", &tag).body(Body::empty()).unwrap();
    let second = send(&router, request("/filer")).await;
    assert_eq!((second.status, second.bytes.len()), (StatusCode::NOT_MODIFIED, 0));
    assert_eq!(second.header("etag"), tag);
    assert_eq!(*fake.reads.lock().unwrap(), reads, "tables were read for a page that the reader has");
    assert_eq!(send(&router, request("/filer?generation=6")).await.status, StatusCode::OK);
    // Time left changes with the minute: the tag of a queue is another.
    assert_ne!(get_from(&router, "/koer/kund-ej-matchade").await.header("etag"), tag);
}

#[tokio::test]
async fn errors_say_in_swedish_what_to_do() {
    for path in
        ["/finns/inte", "/koer/nosuch", "/tabeller/nosuch", "/filer/nosuch", "/arenden/nosuch", "/tabeller/x/csv"]
    {
        let page = get(path).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        page.has("<html lang=\"sv\">");
        page.has("finns inte");
        page.has("Kontrollera adressen.");
        assert_eq!(count(page.text(), "<h1"), 1);
    }
    let post = send(&serve(Fake::new()), Request::post("/").body(Body::empty()).unwrap()).await;
    assert_eq!(post.status, StatusCode::METHOD_NOT_ALLOWED);
    post.has("Det går bara att läsa här");
    get("/koer/kund-ej-matchade?sida=x").await.has("Adressen går inte att förstå");
}

#[tokio::test]
async fn what_storage_says_is_never_shown() {
    let fake = Fake::new();
    *fake.broken.lock().unwrap() = Some(SourceError::Failed("row of Åsa Öberg".to_owned()));
    let page = get_from(&serve(fake), "/filer").await;
    assert_eq!(page.status, StatusCode::INTERNAL_SERVER_ERROR);
    page.has("Något gick fel hos oss");
    page.has_not("Öberg");
    let fake = Fake::new();
    *fake.broken.lock().unwrap() = Some(SourceError::Unavailable("timeout".to_owned()));
    let page = get_from(&serve(fake), "/koer/kund-ej-matchade").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(page.header("retry-after"), "60");
    page.has("Försök igen om några minuter");
}

#[tokio::test]
async fn before_the_first_generation_pages_say_so() {
    let router = serve(Fake { generations: Vec::new(), ..Fake::new() });
    let start = get_from(&router, "/").await;
    assert_eq!(start.status, StatusCode::OK);
    start.has("Inget resultat är publicerat än");
    assert_eq!(get_from(&router, "/filer").await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(get_from(&router, "/healthz").await.status, StatusCode::OK);
    assert_eq!(get_from(&router, "/readyz").await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(get("/readyz").await.text(), "generation 7\n");
}

/// WCAG 2.1 AA: text on its ground has a contrast of at least 4.5 to 1.
#[test]
fn colours_can_be_told_apart() {
    let css = include_str!("../../assets/style.css");
    let colour = |name: &str| {
        let hex = css.split(&format!("--{name}: #")).nth(1).unwrap().split(';').next().unwrap();
        let hex = if hex.len() == 3 { hex.chars().flat_map(|c| [c, c]).collect() } else { hex.to_owned() };
        luminance(&hex)
    };
    let pairs = [
        ("ink", "paper"),
        ("ink", "ground"),
        ("soft", "paper"),
        ("soft", "ground"),
        ("accent", "paper"),
        ("accent", "ground"),
        ("bad", "paper"),
        ("bad", "bad-ground"),
        ("accent", "bad-ground"),
        ("warn", "paper"),
        ("warn", "warn-ground"),
        ("accent", "warn-ground"),
        ("good", "good-ground"),
        ("paper", "accent"),
    ];
    for (text, ground) in pairs {
        let (a, b) = (colour(text), colour(ground));
        let contrast = (a.max(b) + 0.05) / (a.min(b) + 0.05);
        assert!(contrast >= 4.5, "{text} on {ground}: {contrast:.2}");
    }
}

#[allow(clippy::float_arithmetic)]
fn luminance(hex: &str) -> f64 {
    let channel = |at: usize| {
        let value = f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()) / 255.0;
        if value <= 0.03928 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * channel(0) + 0.7152 * channel(2) + 0.0722 * channel(4)
}
