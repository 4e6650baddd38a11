//! What each process may do at a broker that lets nobody do anything unasked.

use harness::SecuredKafka;

use super::*;

struct Guarded {
    kafka: SecuredKafka,
    dir: TempDir,
}

impl Guarded {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let kafka = SecuredKafka::start(dir.path(), &["ingest", "land", "topics", "serve"]).unwrap();
        Self { kafka, dir }
    }

    /// The same configuration for every process but for its user.
    fn config(&self, user: &str, password: &str) -> KafkaConfig {
        let file = self.dir.path().join(format!("{user}.password"));
        std::fs::write(&file, format!("{password}\n")).unwrap();
        let settings = [
            ("security.protocol", "SASL_SSL".to_owned()),
            ("sasl.mechanism", "SCRAM-SHA-512".to_owned()),
            ("sasl.username", user.to_owned()),
            ("sasl.password", format!("file:{}", file.display())),
            ("ssl.ca.location", self.kafka.certificate().display().to_string()),
        ];
        KafkaConfig {
            brokers: self.kafka.address().to_owned(),
            partitions: 2,
            deadline_seconds: 10,
            settings: settings.map(|(name, value)| (name.to_owned(), value)).into(),
            ..KafkaConfig::default()
        }
    }

    fn of(&self, user: &str) -> KafkaConfig {
        self.config(user, &format!("{user}-secret"))
    }
}

/// The error of something that must be refused, which says whose fault it is.
fn refused<T>(what: &str, result: Result<T>) -> String {
    match result {
        Ok(_) => panic!("{what} was allowed"),
        Err(error) => {
            assert_eq!(error.whose(), Whose::Configuration, "{what}: {error:?}");
            error.to_string()
        }
    }
}

async fn open(config: &KafkaConfig) -> Result<KafkaReader> {
    KafkaReader::open(config, &Heads::new(), Shard::WHOLE, Limits::default()).await
}

#[tokio::test]
async fn each_process_does_its_work_with_the_rights_that_are_printed_and_nothing_else() {
    let guarded = Guarded::start();
    let [ingest, land, topics, serve] = ["ingest", "land", "topics", "serve"].map(|user| guarded.of(user));
    let user = |name: &str| format!("User:{name}");
    let principals = Principals { ingest: user("ingest"), land: user("land"), topics: user("topics") };
    guarded.kafka.administer(&acl_commands(&ingest, &principals)).unwrap();

    let said = refused("delivery before there are topics", create_topics(&ingest).await);
    assert!(said.contains("uthorization failed") && said.contains("reskontra topics acls"), "{said}");
    let plan = plan_topics(&topics, &Heads::new()).await.unwrap();
    apply_topics(&topics, &plan).await.unwrap();
    assert!(plan_topics(&topics, &Heads::new()).await.unwrap().is_empty());

    create_topics(&ingest).await.unwrap();
    deliver(&ingest, &SCRIPTS[..1]).await;
    let mut reader = open(&land).await.unwrap();
    let batches = drain(&mut reader).await;
    assert_eq!(rows_of(&batches).len(), 3 + 2 + 2 + 1);
    let mut heads = Heads::new();
    super::land(&mut heads, &batches);
    reader.tell(&heads);

    refused("delivery by land", KafkaDelivery::open(&land).await);
    refused("delivery by topics", KafkaDelivery::open(&topics).await);
    refused("delivery by serve", KafkaDelivery::open(&serve).await);
    let other = KafkaConfig { transactional_id: "another".to_owned(), ..ingest.clone() };
    let said = refused("delivery under another's name", KafkaDelivery::open(&other).await);
    assert!(said.contains("ransactional"), "{said}");
    refused("landing by serve", open(&serve).await);
    for (name, config) in [("topics", &topics), ("ingest", &ingest)] {
        let mut reader = open(config).await.unwrap();
        refused(&format!("landing by {name}"), crate::log::LogReader::next(&mut reader).await);
    }
    for config in [&ingest, &land, &serve] {
        let new = KafkaConfig { topic_prefix: "new.".to_owned(), ..config.clone() };
        refused("a new topic", create_topics(&new).await);
        let more = Step::AddPartitions { topic: "lease".to_owned(), from: 2, to: 3 };
        let more = TopicPlan { steps: vec![more], refused: Vec::new() };
        refused("more partitions", apply_topics(config, &more).await);
    }
}

#[tokio::test]
async fn a_wrong_password_is_told_as_such_and_never_shown() {
    let guarded = Guarded::start();
    let wrong = KafkaConfig { deadline_seconds: 3, ..guarded.config("ingest", "fel-lösenord") };
    let said = refused("signing in", KafkaDelivery::open(&wrong).await);
    assert!(said.contains("uthentication"), "{said}");
    let said_by_reader = refused("signing in", open(&wrong).await);
    assert!(said_by_reader.contains("uthentication"), "{said_by_reader}");
    let shown = format!("{said}{said_by_reader}{wrong:?}");
    assert!(!shown.contains("fel-lösenord"), "{shown}");

    let strangers = guarded.of("ingest");
    let mut settings = strangers.settings.clone();
    settings.insert("ssl.ca.location".to_owned(), String::new());
    let unknown = KafkaConfig { settings, deadline_seconds: 3, ..strangers };
    let said = refused("a broker that nobody vouches for", open(&unknown).await);
    assert!(said.contains("certificates under [kafka.settings]"), "{said}");
}
