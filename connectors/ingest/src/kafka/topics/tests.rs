use super::*;

fn config() -> KafkaConfig {
    KafkaConfig { partitions: 3, replication: 3, ..KafkaConfig::default() }
}

fn with(topics: TopicSettings) -> KafkaConfig {
    KafkaConfig { topics, ..config() }
}

fn steps(wanted: &Topic, found: &Topic, unlanded: i64) -> (Vec<String>, Vec<String>) {
    let plan = compare("t", wanted, Some(found), unlanded);
    (
        plan.steps.iter().map(ToString::to_string).collect(),
        plan.refused.into_iter().map(|refusal| refusal.reason).collect(),
    )
}

#[test]
fn messages_are_kept_for_ever_unless_the_configuration_says_how_long() {
    let topic = wanted(&config(), "payment_in").unwrap();
    assert_eq!(topic.settings["retention.ms"], "-1");
    assert_eq!(topic.settings["cleanup.policy"], "delete");
    assert_eq!(topic.settings["min.insync.replicas"], "2");
    let month = TopicSettings { retention_days: Some(30), retention_bytes: Some(5_000), ..TopicSettings::default() };
    let topic = wanted(&with(month.clone()), "payment_in").unwrap();
    assert_eq!(
        (topic.settings["retention.ms"].as_str(), topic.settings["retention.bytes"].as_str()),
        ("2592000000", "5000")
    );
    let files = wanted(&with(month), "file").unwrap();
    assert_eq!((files.settings["retention.ms"].as_str(), files.settings["retention.bytes"].as_str()), ("-1", "-1"));
}

#[test]
fn only_registers_are_compacted_and_only_when_the_configuration_says_so() {
    let week = with(TopicSettings { compact_after_days: Some(7), ..TopicSettings::default() });
    for contract in schemas::contracts().values() {
        let topic = wanted(&week, &contract.name).unwrap();
        let expected = if contract.snapshot { "compact" } else { "delete" };
        assert_eq!(topic.settings["cleanup.policy"], expected, "{}", contract.name);
        assert_eq!(topic.settings.contains_key("min.compaction.lag.ms"), contract.snapshot);
        assert_eq!(wanted(&config(), &contract.name).unwrap().settings["cleanup.policy"], "delete");
    }
}

#[test]
fn what_a_topic_has_beyond_what_is_asked_for_is_left_alone() {
    let wanted = wanted(&config(), "payment_in").unwrap();
    let mut found = wanted.clone();
    found.settings.insert("segment.bytes".to_owned(), "1".to_owned());
    found.settings.insert("max.message.bytes".to_owned(), "99999999".to_owned());
    assert!(compare("t", &wanted, Some(&found), 1).is_empty());
}

#[test]
fn topics_grow_but_never_shrink() {
    let wanted = wanted(&config(), "payment_in").unwrap();
    let (done, refused) = steps(&wanted, &Topic { partitions: 2, ..wanted.clone() }, 5);
    assert_eq!((done, refused.len()), (vec!["~ t: 2 → 3 partitions".to_owned()], 0));
    let (done, refused) = steps(&wanted, &Topic { partitions: 4, replication: 1, ..wanted.clone() }, 0);
    assert!(done.is_empty());
    assert!(refused[0].contains("4 partitions and cannot get fewer"), "{refused:?}");
    assert!(refused[1].contains("1 replicas, not 3"), "{refused:?}");
}

#[test]
fn nothing_that_could_delete_what_has_not_landed_is_planned() {
    let endless = wanted(&config(), "lease").unwrap();
    let month = wanted(&with(TopicSettings { retention_days: Some(30), ..TopicSettings::default() }), "lease").unwrap();
    let week = wanted(&with(TopicSettings { retention_days: Some(7), ..TopicSettings::default() }), "lease").unwrap();
    let compacted = TopicSettings { compact_after_days: Some(7), ..TopicSettings::default() };
    let compacted = wanted(&with(compacted), "lease").unwrap();
    for (from, to) in [(&endless, &month), (&month, &week), (&endless, &compacted)] {
        let (done, refused) = steps(to, from, 3);
        assert!(done.is_empty() && refused[0].contains("3 messages have not landed"), "{done:?} {refused:?}");
        let (done, refused) = steps(to, from, 0);
        assert!(!done.is_empty() && refused.is_empty(), "{done:?} {refused:?}");
    }
    let (done, refused) = steps(&endless, &week, 3);
    assert_eq!((done.len(), refused.len()), (1, 0), "keeping for longer loses nothing");
}

#[test]
fn a_configuration_that_no_broker_could_keep_is_refused() {
    let settings = TopicSettings { min_insync_replicas: Some(4), ..TopicSettings::default() };
    let refused = wanted(&with(settings), "lease").unwrap_err().to_string();
    assert!(refused.contains("replication = 3, min_insync_replicas = 4"), "{refused}");
    assert!(wanted(&KafkaConfig { partitions: 0, ..config() }, "lease").is_err());
}
