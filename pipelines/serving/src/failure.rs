//! What a reader is told when there is no answer: a page in Swedish, or JSON under `/api/v1/`.

use askama::Template;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::frame::Frame;
use crate::source::SourceError;

/// No answer: what is wrong and what the reader can do. Becomes a page or JSON in [`present`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// HTTP status.
    pub status: StatusCode,
    /// What is wrong, in Swedish.
    pub title: String,
    /// What to do about it, in Swedish.
    pub advice: String,
}

impl Failure {
    /// There is no such page, table, file or exception.
    pub fn not_found(what: &str) -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            title: format!("{what} finns inte"),
            advice: "Kontrollera adressen. Ett ärende försvinner ur kön när nya uppgifter har löst det; börja då om \
                     från kön. Följer du en gammal länk kan resultatet ha ersatts av ett nyare."
                .to_owned(),
        }
    }

    /// The request cannot be understood.
    pub fn bad_request(what: &str) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            title: "Adressen går inte att förstå".to_owned(),
            advice: format!("{what} Ändra adressen, eller gå tillbaka och välj på nytt."),
        }
    }

    /// Nothing has been published.
    pub fn nothing_published() -> Self {
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            title: "Inget resultat är publicerat än".to_owned(),
            advice: "Vänta tills den första körningen är klar och försök igen. Dröjer det mer än en timme: kontakta \
                     driften."
                .to_owned(),
        }
    }

    fn unavailable() -> Self {
        Self {
            status: StatusCode::SERVICE_UNAVAILABLE,
            title: "Uppgifterna går inte att läsa just nu".to_owned(),
            advice: "Lagringen svarar inte. Inget har gått förlorat. Försök igen om några minuter; kontakta driften \
                     om felet består."
                .to_owned(),
        }
    }

    fn internal() -> Self {
        Self {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            title: "Något gick fel hos oss".to_owned(),
            advice: "Felet är loggat. Försök igen, och kontakta driften om det händer på nytt. Ange adressen och \
                     klockslaget, men inga personuppgifter."
                .to_owned(),
        }
    }

    /// What an axum rejection or a handler without words of its own amounts to.
    fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::not_found("Sidan"),
            StatusCode::METHOD_NOT_ALLOWED => Self {
                status,
                title: "Det går bara att läsa här".to_owned(),
                advice: "Adressen finns, men den kan bara hämtas (GET).".to_owned(),
            },
            status if status.is_client_error() => Self { status, ..Self::bad_request("En del av den är felaktig.") },
            status => Self { status, ..Self::internal() },
        }
    }
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Self {
        match error {
            SourceError::NotFound { .. } => Self::not_found("Det du söker"),
            SourceError::NoSuchGeneration(number) => Self {
                title: format!("Resultat nummer {number} finns inte"),
                advice: "Det är rensat eller har inte publicerats än. Ta bort ”generation” ur adressen för att se \
                         det senaste resultatet."
                    .to_owned(),
                ..Self::not_found("Resultatet")
            },
            SourceError::Removed(on) => Self {
                status: StatusCode::GONE,
                title: "Filen är gallrad".to_owned(),
                advice: format!(
                    "Filen som raden lästes från gallrades {on}, när den inte längre behövde bevaras. Uppgifterna i raden \
                     finns kvar."
                ),
            },
            SourceError::Unavailable(_) => {
                tracing::warn!(%error, "storage does not answer");
                Self::unavailable()
            }
            SourceError::Failed(_) => {
                tracing::error!(%error, "reading a generation failed");
                Self::internal()
            }
        }
    }
}

impl From<askama::Error> for Failure {
    fn from(error: askama::Error) -> Self {
        tracing::error!(%error, "a page could not be rendered");
        Self::internal()
    }
}

impl From<arrow::error::ArrowError> for Failure {
    fn from(error: arrow::error::ArrowError) -> Self {
        tracing::error!(%error, "rows of a table do not fit together");
        Self::internal()
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

#[derive(Template)]
#[template(path = "failure.html")]
struct FailurePage<'a> {
    frame: Frame,
    failure: &'a Failure,
}

/// Gives every failed response its words, in the form that the address asks for.
pub async fn present(request: Request, next: Next) -> Response {
    let for_machines = request.uri().path().starts_with("/api/v1/");
    let response = next.run(request).await;
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let failure = response.extensions().get::<Failure>().cloned().unwrap_or_else(|| Failure::of_status(status));
    let (mut parts, _) = response.into_parts();
    let (content_type, text) = if for_machines {
        let body = json!({"status": status.as_u16(), "title": failure.title, "advice": failure.advice});
        ("application/json", body.to_string())
    } else {
        let page = FailurePage { frame: Frame::without_generation(&failure.title), failure: &failure };
        ("text/html; charset=utf-8", page.render().unwrap_or_else(|_| failure.title.clone()))
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    parts.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        parts.headers.insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
    }
    Response::from_parts(parts, Body::from(text))
}
