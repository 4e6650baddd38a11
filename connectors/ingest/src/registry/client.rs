use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::RegistryConfig;
use crate::{Error, Result, secret};

const CONTENT: &str = "application/vnd.schemaregistry.v1+json";

/// Speaks to a registry.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    config: RegistryConfig,
    /// Kept out of the configuration, which is printed.
    password: Password,
}

struct Password(Option<String>);

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

/// Whether a registry would take a schema.
#[derive(Debug, PartialEq, Eq)]
pub enum Compatibility {
    /// It would.
    Good,
    /// It would not, and says why.
    Bad(String),
}

impl Client {
    pub fn new(config: &RegistryConfig, deadline: Duration) -> Result<Self> {
        let secret = |written: &String| secret::resolve("[kafka.registry] password", written, true);
        let password = Password(config.password.as_ref().map(secret).transpose()?);
        let http = reqwest::Client::builder().timeout(deadline).build();
        let http = http.map_err(|error| Error::Configuration(format!("[kafka.registry]: {error}")))?;
        let url = config.url.trim_end_matches('/').to_owned();
        Ok(Self { http, config: RegistryConfig { url, ..config.clone() }, password })
    }

    /// The id of a schema under a subject, if it is registered there.
    pub async fn id(&self, subject: &str, avro: &str) -> Result<Option<u32>> {
        let what = format!("asking the schema registry for {subject}");
        let path = format!("subjects/{}", encoded(subject));
        match self.ask(Method::POST, &path, Some(json!({ "schema": avro })), &what).await? {
            Ok(answer) => number(&answer, &what).map(Some),
            Err((StatusCode::NOT_FOUND, _)) => Ok(None),
            Err(refused) => Err(error(what, &refused)),
        }
    }

    /// The schema with an id, if there is one.
    pub async fn schema(&self, id: u32) -> Result<Option<String>> {
        let what = format!("asking the schema registry for id {id}");
        match self.ask(Method::GET, &format!("schemas/ids/{id}"), None, &what).await? {
            Ok(answer) => Ok(answer["schema"].as_str().map(str::to_owned)),
            Err((StatusCode::NOT_FOUND, _)) => Ok(None),
            Err(refused) => Err(error(what, &refused)),
        }
    }

    /// The latest schema of a subject, if it has one.
    pub async fn latest(&self, subject: &str) -> Result<Option<String>> {
        let what = format!("asking the schema registry for the latest version of {subject}");
        let path = format!("subjects/{}/versions/latest", encoded(subject));
        match self.ask(Method::GET, &path, None, &what).await? {
            Ok(answer) => Ok(answer["schema"].as_str().map(str::to_owned)),
            Err((StatusCode::NOT_FOUND, _)) => Ok(None),
            Err(refused) => Err(error(what, &refused)),
        }
    }

    /// Whether a schema may follow the latest version of a subject.
    pub async fn compatibility(&self, subject: &str, avro: &str) -> Result<Compatibility> {
        let what = format!("asking the schema registry whether {subject} may change");
        let path = format!("compatibility/subjects/{}/versions/latest?verbose=true", encoded(subject));
        match self.ask(Method::POST, &path, Some(json!({ "schema": avro })), &what).await? {
            Ok(answer) if answer["is_compatible"] == true => Ok(Compatibility::Good),
            Ok(answer) => {
                let messages = answer["messages"].as_array().into_iter().flatten();
                let said = messages.chain(answer.get("reason")).filter_map(Value::as_str);
                Ok(Compatibility::Bad(said.collect::<Vec<_>>().join("; ")))
            }
            // There is nothing that it could break.
            Err((StatusCode::NOT_FOUND, _)) => Ok(Compatibility::Good),
            Err(refused) => Err(error(what, &refused)),
        }
    }

    /// Lets a subject change only so that what was written can still be read.
    pub async fn demand_backward(&self, subject: &str) -> Result<()> {
        let what = format!("holding {subject} to backward compatibility");
        let wanted = json!({ "compatibility": "BACKWARD" });
        let path = format!("config/{}", encoded(subject));
        let answer = self.ask(Method::PUT, &path, Some(wanted), &what).await?;
        answer.map(drop).map_err(|refused| error(what, &refused))
    }

    /// Registers a schema under a subject.
    pub async fn register(&self, subject: &str, avro: &str) -> Result<u32> {
        let what = format!("registering {subject}");
        let path = format!("subjects/{}/versions", encoded(subject));
        let answer = self.ask(Method::POST, &path, Some(json!({ "schema": avro })), &what).await?;
        number(&answer.map_err(|refused| error(&*what, &refused))?, &what)
    }

    /// The answer, or what was refused with which status.
    async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        what: &str,
    ) -> Result<Result<Value, (StatusCode, Value)>> {
        let failed = |error: reqwest::Error| {
            let source = std::error::Error::source(&error).map(|source| format!(": {source}")).unwrap_or_default();
            Error::Registry { what: what.to_owned(), reason: format!("{error}{source}") }
        };
        let mut request = self.http.request(method, format!("{}/{path}", self.config.url));
        if let Some(user) = &self.config.user {
            request = request.basic_auth(user, self.password.0.as_ref());
        }
        if let Some(body) = body {
            request = request.header("Content-Type", CONTENT).body(body.to_string());
        }
        let response = request.send().await.map_err(failed)?;
        let status = response.status();
        let text = response.text().await.map_err(failed)?;
        let json = serde_json::from_str(&text).unwrap_or_default();
        Ok(if status.is_success() { Ok(json) } else { Err((status, json)) })
    }
}

fn number(answer: &Value, what: &str) -> Result<u32> {
    let id = answer["id"].as_u64().and_then(|id| u32::try_from(id).ok());
    id.ok_or_else(|| Error::Registry { what: what.to_owned(), reason: "the answer has no id".to_owned() })
}

fn error(what: impl Into<String>, (status, answer): &(StatusCode, Value)) -> Error {
    let said = answer["message"].as_str().unwrap_or_default();
    Error::Registry { what: what.into(), reason: format!("{status} {said}").trim().to_owned() }
}

/// A subject as one part of a path.
fn encoded(subject: &str) -> String {
    url::form_urlencoded::byte_serialize(subject.as_bytes()).collect()
}
