use std::collections::BTreeSet;
use std::path::PathBuf;

use super::*;

fn site() -> (tempfile::TempDir, Vec<PathBuf>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let library = Library::load(&root.join("sql")).unwrap();
    let as_of = NaiveDate::from_ymd_opt(2026, 8, 31).unwrap();
    let facts = Facts::gather(&library, &root.join("tests/examples"), as_of).unwrap();
    let out = tempfile::tempdir().unwrap();
    write(&facts, out.path()).unwrap();
    let mut pages = Vec::new();
    for folder in [out.path().to_owned(), out.path().join("tables")] {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        pages.extend(entries.filter(|path| path.extension().is_some_and(|extension| extension == "html")));
    }
    (out, pages)
}

fn attributes<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
    let start = format!(" {name}=\"");
    html.split(start.as_str()).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[test]
fn every_link_of_the_site_leads_to_a_page_and_a_place_on_it() {
    let (_out, pages) = site();
    let read = |path: &Path| std::fs::read_to_string(path).unwrap();
    let ids = |path: &Path| attributes(&read(path), "id").into_iter().map(str::to_owned).collect::<BTreeSet<_>>();
    let places: BTreeMap<PathBuf, BTreeSet<String>> =
        pages.iter().map(|page| (page.canonicalize().unwrap(), ids(page))).collect();
    let mut reached: BTreeSet<PathBuf> = BTreeSet::new();
    for page in &pages {
        let html = read(page);
        for link in attributes(&html, "href") {
            let (file, place) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            let target = target.canonicalize().unwrap_or_else(|_| panic!("{}: {link} leads nowhere", page.display()));
            if !place.is_empty() {
                assert!(places[&target].contains(place), "{}: {link} has no such place", page.display());
            }
            reached.insert(target);
        }
    }
    for page in places.keys() {
        assert!(reached.contains(page), "nothing links to {}", page.display());
    }
}

#[test]
fn the_site_is_whole_loads_nothing_and_says_what_it_says_without_the_drawing() {
    let (_out, pages) = site();
    assert!(pages.len() > 60, "a page for every table");
    for page in pages {
        let html = std::fs::read_to_string(&page).unwrap();
        let name = page.display();
        assert!(html.starts_with("<!doctype html>\n<html lang=\"en\">"), "{name}");
        assert_eq!(html.matches("<h1").count(), 1, "{name}: one h1");
        assert_eq!(html.matches("<table").count(), html.matches("<caption").count(), "{name}: captions");
        for forbidden in ["<script", "style=\"", "http://", "https://", "url(", "<th>"] {
            let code = html.split("<pre").next().unwrap_or_default();
            assert!(!code.contains(forbidden), "{name}: {forbidden}");
        }
        let ids = attributes(&html, "id");
        assert_eq!(ids.len(), ids.iter().collect::<BTreeSet<_>>().len(), "{name}: an id stands twice");
        assert_eq!(html.matches("<svg").count(), html.matches("<svg role=\"img\" aria-labelledby").count(), "{name}");
    }
}

#[test]
fn every_requirement_of_the_catalogue_has_its_status() {
    let (out, _) = site();
    let html = std::fs::read_to_string(out.path().join("catalogue.html")).unwrap();
    assert_eq!(html.matches("<tr id=\"").count(), 422);
    let implemented = html.split("<tr id=\"AR35\"").nth(1).unwrap().split("</tr>").next().unwrap();
    assert!(implemented.contains("mark implemented") && implemented.contains("tables/ar_match.html"));
    let job = std::fs::read_to_string(out.path().join("tables/ar_match.html")).unwrap();
    assert!(job.contains("../catalogue.html#AR35") && job.contains("payment_in"), "requirement and origins are linked");
}
