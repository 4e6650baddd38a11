mod api;
mod fake;
mod pages;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use tower::ServiceExt;

use crate::tests::fake::Fake;

/// Tuesday 31 March 2026, noon in Stockholm.
const NOW: &str = "2026-03-31T10:00:00Z";

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    bytes: Vec<u8>,
}

impl Answer {
    fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).unwrap()
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.bytes).unwrap()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Fails when the text is not there, and shows the page.
    fn has(&self, text: &str) {
        assert!(self.text().contains(text), "no {text:?} in:\n{}", self.text());
    }

    fn has_not(&self, text: &str) {
        assert!(!self.text().contains(text), "{text:?} in:\n{}", self.text());
    }
}

fn serve(fake: Fake) -> Router {
    crate::router(Arc::new(fake), Arc::new(|| NOW.parse().unwrap()))
}

async fn send(router: &Router, request: Request<Body>) -> Answer {
    let (parts, body) = router.clone().oneshot(request).await.unwrap().into_parts();
    let bytes = body.collect().await.unwrap().to_bytes().to_vec();
    Answer { status: parts.status, headers: parts.headers, bytes }
}

async fn get_from(router: &Router, path: &str) -> Answer {
    send(router, Request::get(path).body(Body::empty()).unwrap()).await
}

/// What the fake answers.
async fn get(path: &str) -> Answer {
    get_from(&serve(Fake::new()), path).await
}
