use std::collections::BTreeSet;

use axum::http::StatusCode;

use super::fake::{AWKWARD, Fake, ORIGINAL, PAYMENT_FILE};
use super::{get, get_from, serve};
use crate::source::SourceError;

/// Every address of the API, as the document has it, with values that exist.
fn addresses(document: &serde_json::Value) -> Vec<(String, String)> {
    let paths = document["paths"].as_object().unwrap().keys();
    let filled = |path: &String| {
        path.replace("{queue}", "kund-ej-matchade")
            .replace("{exception_id}", AWKWARD)
            .replace("{number}", "1")
            .replace("{file_id}", PAYMENT_FILE)
            .replace("{table}", "fee29_monthly_fee")
    };
    paths.map(|path| (path.clone(), filled(path))).collect()
}

#[tokio::test]
async fn the_document_lists_exactly_the_routes_there_are() {
    let router = serve(Fake::new());
    let document = get_from(&router, "/api/v1/openapi.json").await.json();
    let listed = addresses(&document);
    for (path, address) in &listed {
        assert_eq!(get_from(&router, address).await.status, StatusCode::OK, "{path} is listed and does not answer");
    }
    // What the sources register as a route of the API is in the document.
    let sources = [include_str!("../api.rs"), include_str!("../api/exceptions.rs"), include_str!("../api/tables.rs")];
    let written: BTreeSet<&str> = sources
        .iter()
        .flat_map(|source| source.split("path = \"/api/").skip(1))
        .filter_map(|rest| rest.split('"').next())
        .collect();
    let listed: BTreeSet<String> = listed.into_iter().map(|(path, _)| path.replacen("/api/", "", 1)).collect();
    assert_eq!(listed.iter().map(String::as_str).collect::<BTreeSet<_>>(), written);
    assert!(!include_str!("../lib.rs").contains("/api/v1/\"") && !include_str!("../pages.rs").contains("\"/api/v1"));
}

#[tokio::test]
async fn every_body_is_described_and_names_its_generation() {
    let router = serve(Fake::new());
    let document = get_from(&router, "/api/v1/openapi.json").await.json();
    for (path, address) in addresses(&document) {
        let operation = &document["paths"][&path]["get"];
        assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{path} has no summary");
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            assert!(parameter["description"].as_str().is_some_and(|text| !text.is_empty()), "{path} {parameter}");
        }
        let schema = &operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"];
        let Some(name) = schema.as_str().and_then(|schema| schema.rsplit('/').next()) else { continue };
        let answer = get_from(&router, &address).await;
        let body = answer.json();
        assert_eq!(body["generation"], 7, "{path}");
        assert_eq!(answer.header("reskontra-generation"), "7", "{path}");
        let pinned = get_from(&router, &format!("{address}?generation=6")).await;
        assert_eq!(pinned.json()["generation"], 6, "{path} does not stay in the generation it was asked for");

        let mut described = BTreeSet::new();
        members(&document, &document["components"]["schemas"][name], &mut described);
        let given: BTreeSet<String> = body.as_object().unwrap().keys().cloned().collect();
        assert_eq!(given, described, "{path}: the body is not what {name} describes");
    }
}

fn members(document: &serde_json::Value, schema: &serde_json::Value, names: &mut BTreeSet<String>) {
    names.extend(schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name.clone()));
    for part in schema["allOf"].as_array().into_iter().flatten() {
        members(document, part, names);
    }
    if let Some(name) = schema["$ref"].as_str().and_then(|name| name.rsplit('/').next()) {
        members(document, &document["components"]["schemas"][name], names);
    }
}

#[tokio::test]
async fn amounts_are_strings_to_the_ore() {
    let queues = get("/api/v1/queues").await.json();
    assert_eq!(queues["queues"][0]["sums"], serde_json::json!({"SEK": "7181.50", "EUR": "99.00"}));
    assert_eq!(queues["queues"][0]["overdue"], 1);
    assert_eq!(queues["queues"][0]["today"], 1);
    assert_eq!(queues["queues"][1]["jobs"][1], "ap10_unbalanced_invoice");
    assert_eq!(queues["queues"][2]["sums"], serde_json::json!({}));
    let generation = get("/api/v1/generation").await.json();
    assert_eq!(generation["money"][0]["received"], "8500.75");
    assert_eq!(generation["money"][0]["balances"], true);
}

#[tokio::test]
async fn a_queue_is_given_page_by_page() {
    let router = serve(Fake::new());
    let mut seen = BTreeSet::new();
    for offset in [0, 60, 120, 180] {
        let address = format!("/api/v1/queues/kund-ej-matchade?limit=60&offset={offset}&generation=7");
        let body = get_from(&router, &address).await.json();
        assert_eq!(body["total"], 130);
        for item in body["items"].as_array().unwrap() {
            assert!(seen.insert(item["exception_id"].as_str().unwrap().to_owned()));
        }
    }
    assert_eq!(seen.len(), 130);
    let unknown = get("/api/v1/queues/kund-ej-matchade?department=-").await.json();
    assert_eq!(unknown["total"], 1);
    assert_eq!(unknown["items"][0]["row"]["currency"], "EUR");
    assert_eq!(unknown["items"][0]["due"], "today");
}

#[tokio::test]
async fn an_exception_comes_with_the_records_and_their_bytes() {
    let body = get(&format!("/api/v1/exceptions/{AWKWARD}")).await.json();
    assert_eq!(body["due"], "overdue");
    assert_eq!(body["status"], "claimed");
    assert_eq!(body["owner"], "anna.ek");
    assert_eq!(body["history"][0]["kind"], "claim");
    assert_eq!(body["row"]["residual"], "-1234.50");
    assert_eq!(body["evidence"][0]["byte_start"], 574);
    let bytes = get(&format!("/api/v1/exceptions/{AWKWARD}/evidence/1")).await;
    assert_eq!(bytes.bytes, ORIGINAL);
    assert_eq!(bytes.header("content-type"), "application/octet-stream");
    assert!(bytes.header("content-disposition").starts_with("attachment"));
    for number in ["0", "3", "99999999999"] {
        let path = format!("/api/v1/exceptions/{AWKWARD}/evidence/{number}");
        assert_eq!(get(&path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn rows_are_chosen_by_column_and_by_absence() {
    let by_value = get("/api/v1/tables/fee29_monthly_fee?column=fee&value=1847.00").await.json();
    assert_eq!((by_value["total"].clone(), by_value["rows"][0]["rate"].clone()), (1.into(), "3.0000".into()));
    let absent = get("/api/v1/tables/fee29_monthly_fee?column=fee").await.json();
    assert_eq!(absent["rows"][0]["placement_id"], "p2");
    let rejects = get("/api/v1/rejects?code=bgmax.amount").await.json();
    assert_eq!(rejects["rows"][0]["raw"], "20Å<script>x</script>");
    assert_eq!(get("/api/v1/files?status=refused").await.json()["total"], 1);
}

#[tokio::test]
async fn problems_are_json_and_say_what_to_do() {
    let cases = [
        ("/api/v1/nosuch", 404),
        ("/api/v1/queues/nosuch", 404),
        ("/api/v1/queues/lev-tom?department=x", 400),
        ("/api/v1/tables/nosuch", 404),
        ("/api/v1/tables/file", 404),
        ("/api/v1/tables/fee29_monthly_fee?column=nosuch", 400),
        ("/api/v1/files?limit=1001", 400),
        ("/api/v1/files?limit=-1", 400),
        ("/api/v1/files/nosuch", 404),
        ("/api/v1/exceptions/nosuch", 404),
        ("/api/v1/generation?generation=99", 404),
    ];
    for (path, status) in cases {
        let answer = get(path).await;
        assert_eq!(answer.status.as_u16(), status, "{path}");
        assert_eq!(answer.header("content-type"), "application/json", "{path}");
        let body = answer.json();
        assert_eq!(body["status"], status, "{path}");
        assert!(!body["title"].as_str().unwrap().is_empty() && !body["advice"].as_str().unwrap().is_empty(), "{path}");
    }
    let fake = Fake::new();
    *fake.broken.lock().unwrap() = Some(SourceError::Failed("row of Åsa Öberg".to_owned()));
    let answer = get_from(&serve(fake), "/api/v1/files").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    answer.has_not("Öberg");
}

#[tokio::test]
async fn the_page_of_the_api_shows_every_address() {
    let router = serve(Fake::new());
    let document = get_from(&router, "/api/v1/openapi.json").await.json();
    let page = get_from(&router, "/api").await;
    for (path, _) in addresses(&document) {
        page.has(&format!("GET {path}<"));
    }
    page.has("no row is missed or seen twice");
}
