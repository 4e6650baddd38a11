use harness::SchemaRegistry;
use serde_json::json;

use super::*;
use crate::kafka::tests::{deliver, file_rows, read, send_raw, unmade};
use crate::kafka::{KafkaReader, Shard, create_topics, plan_topics};
use crate::log::{Heads, Limits, LogReader as _};
use crate::{Retry, Whose};

fn started() -> (SchemaRegistry, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    (SchemaRegistry::start(dir.path()).unwrap(), dir)
}

fn with(registry: &str, config: KafkaConfig) -> KafkaConfig {
    let registry = RegistryConfig { url: registry.to_owned(), user: None, password: None };
    KafkaConfig { registry: Some(registry), ..config }
}

fn client(config: &KafkaConfig) -> Client {
    Client::new(config.registry.as_ref().unwrap(), config.deadline()).unwrap()
}

#[tokio::test]
async fn records_carry_the_ids_of_the_registry_and_earlier_versions_are_read_by_theirs() {
    let (registry, _dir) = started();
    let config = with(&registry.url(), unmade("registered", 1));
    let client = client(&config);

    // An earlier version of the program was here before.
    let earlier = earlier_versions().iter().find(|v| v.contract == "statement_entry" && v.number == 1).unwrap();
    let subject = "registered.statement_entry-se.reskontra.statement_entry";
    let old_id = client.register(subject, earlier.avro).await.unwrap();

    let plan = plan_topics(&config, &Heads::new()).await.unwrap();
    assert_eq!(plan.refused, []);
    let registered = |step: &&Step| matches!(step, Step::RegisterSchema { .. });
    let topics = schemas::contracts().len() - 1;
    assert_eq!(plan.steps.iter().filter(registered).count(), 2 * topics, "{plan}");
    create_topics(&config).await.unwrap();
    assert!(plan_topics(&config, &Heads::new()).await.unwrap().is_empty());
    // From its first version on, a subject takes no change that would leave records unread.
    let reject = &schemas::contract(REJECT).unwrap().avro;
    let demanding = reject.replacen("\"fields\": [", r#""fields": [{"name": "floor", "type": "int"},"#, 1);
    let stopped = client.register("registered.lease-se.reskontra.reject", &demanding).await.unwrap_err();
    assert!(stopped.to_string().contains("409") && stopped.to_string().contains("floor"), "{stopped}");
    let now = schemas::contract("statement_entry").unwrap();
    let new_id = client.id(subject, &now.avro).await.unwrap().unwrap();
    assert_ne!(old_id, new_id);

    deliver(&config, &["rows 3\nreject 2\ninvoices 2"]).await;
    send_raw(&config, "statement_entry", &file_rows(earlier.avro, old_id));
    send_raw(&config, "statement_entry", &[&[0], &9_999_999_u32.to_be_bytes()[..], b"?"].concat());
    let batches = read(&config, &Heads::new()).await;
    let rows: usize = batches.iter().map(|batch| batch.accepted_rows()).sum();
    let rejects: usize = batches.iter().map(|batch| batch.rejected_rows()).sum();
    assert_eq!((rows, rejects), (3 + 2 + 1 + 1, 2 + 1));
    let entries = batches.iter().find(|batch| batch.contract.name == "statement_entry").unwrap();
    assert_eq!(entries.accepted[0].schema(), now.schema);
    let unknown = serde_json::Value::Object(schemas::json::row(&entries.rejects[0], 0));
    assert!(unknown["message"].as_str().unwrap().contains("9999999"), "{unknown}");

    drop(registry);
    let hasty = KafkaConfig { deadline_seconds: 3, ..config.clone() };
    let reader = KafkaReader::open(&hasty, &Heads::new(), Shard::WHOLE, Limits::default()).await;
    let mut reader = reader.unwrap();
    let stopped = reader.next().await.unwrap_err();
    assert_eq!((stopped.whose(), stopped.retry()), (Whose::Outside, Retry::Later), "{stopped}");
}

#[tokio::test]
async fn a_change_that_would_leave_records_unread_is_refused_with_the_field_and_the_reason() {
    let (registry, _dir) = started();
    let config = with(&registry.url(), unmade("refused", 1));
    let client = client(&config);
    // What is registered lacks a column that our contract demands.
    let lease = schemas::contract("lease").unwrap();
    let mut without: Value = serde_json::from_str(&lease.avro).unwrap();
    let fields = without["fields"].as_array_mut().unwrap();
    fields.retain(|field| field["name"] != "starts_on");
    let subject = "refused.lease-se.reskontra.lease";
    client.register(subject, &without.to_string()).await.unwrap();
    client.demand_backward(subject).await.unwrap();

    let plan = plan_topics(&config, &Heads::new()).await.unwrap();
    let refusal = plan.refused.iter().find(|refusal| refusal.of == subject).unwrap();
    assert!(refusal.reason.contains("'starts_on'") && refusal.reason.contains("default"), "{refusal:?}");
    let stopped = create_topics(&config).await.unwrap_err();
    assert!(stopped.to_string().contains("starts_on"), "{stopped}");
    let stopped = client.register(subject, &lease.avro).await.unwrap_err();
    assert!(stopped.to_string().contains("409"), "the registry itself does not take it: {stopped}");

    let optional = json!({"name": "floor", "type": ["null", "int"], "default": null});
    without["fields"].as_array_mut().unwrap().push(optional);
    assert_eq!(client.compatibility(subject, &without.to_string()).await.unwrap(), Compatibility::Good);
}

#[test]
fn topics_carry_records_and_rejects_under_subjects_of_their_own() {
    let config = KafkaConfig { topic_prefix: "city.".to_owned(), ..KafkaConfig::default() };
    let subjects: Vec<String> = subjects(&config).map(|(subject, _)| subject).collect();
    assert!(subjects.contains(&"city.lease-se.reskontra.lease".to_owned()), "{subjects:?}");
    assert!(subjects.contains(&"city.lease-se.reskontra.reject".to_owned()));
    assert_eq!(subjects.iter().collect::<std::collections::BTreeSet<_>>().len(), subjects.len());
}

/// Answers one request, and gives it back.
fn answer(body: &'static str) -> (String, std::thread::JoinHandle<String>) {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let served = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 4096];
        let read = std::io::Read::read(&mut stream, &mut request).unwrap();
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        std::io::Write::write_all(&mut stream, answer.as_bytes()).unwrap();
        String::from_utf8_lossy(&request[..read]).into_owned()
    });
    (url, served)
}

#[tokio::test]
async fn a_registry_that_asks_for_a_password_gets_it() {
    let (url, served) = answer(r#"{"schema": "\"string\""}"#);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, "hemligt\n").unwrap();
    let password = Some(format!("file:{}", file.path().display()));
    let config = RegistryConfig { url, user: Some("u".to_owned()), password };
    let client = Client::new(&config, std::time::Duration::from_secs(5)).unwrap();
    assert_eq!(client.schema(7).await.unwrap().as_deref(), Some("\"string\""));
    let request = served.join().unwrap();
    assert!(request.starts_with("GET /schemas/ids/7 "), "{request}");
    assert!(request.contains("authorization: Basic dTpoZW1saWd0\r\n"), "{request}");
}

#[test]
fn a_password_is_in_no_debug_output() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, "hemligt").unwrap();
    let password = Some(format!("file:{}", file.path().display()));
    let config = RegistryConfig { url: "http://127.0.0.1:1".to_owned(), user: Some("u".to_owned()), password };
    let client = Client::new(&config, std::time::Duration::from_secs(1)).unwrap();
    assert!(!format!("{client:?}").contains("hemligt"));
    let clear = RegistryConfig { password: Some("hemligt".to_owned()), ..config };
    let refused = Client::new(&clear, std::time::Duration::from_secs(1)).unwrap_err().to_string();
    assert!(!refused.contains("hemligt") && refused.contains("env:NAME"), "{refused}");
}
