//! Topics as they are made, changed, shortened and compacted on a real broker.

use super::*;

fn heads_of(batches: &[LogBatch]) -> Heads {
    let mut heads = Heads::new();
    land(&mut heads, batches);
    heads
}

async fn apply(config: &KafkaConfig, heads: &Heads) -> TopicPlan {
    let plan = plan_topics(config, heads).await.unwrap();
    apply_topics(config, &plan).await.unwrap();
    plan
}

/// Sets what no configuration of ours speaks of.
async fn set(config: &KafkaConfig, contract: &str, settings: &[(&str, &str)]) {
    let steps = settings.iter().map(|(setting, to)| Step::ChangeSetting {
        topic: config.topic(contract),
        setting: (*setting).to_owned(),
        from: String::new(),
        to: (*to).to_owned(),
    });
    let plan = TopicPlan { steps: steps.collect(), refused: Vec::new() };
    apply_topics(config, &plan).await.unwrap();
}

#[tokio::test]
async fn topics_become_what_the_configuration_says_and_what_has_not_landed_is_kept() {
    let first = unmade("planned", 1);
    let plan = apply(&first, &Heads::new()).await;
    assert_eq!(plan.steps.len(), contracts().count());
    assert!(plan.to_string().contains("+ planned.lease: 1 partitions, 1 replicas, cleanup.policy = delete"), "{plan}");
    assert!(plan_topics(&first, &Heads::new()).await.unwrap().is_empty());
    set(&first, "ledger_balance", &[("segment.bytes", "12345678")]).await;
    deliver(&first, &["rows 5"]).await;

    let month = TopicSettings { retention_days: Some(30), ..TopicSettings::default() };
    let second = KafkaConfig { partitions: 2, topics: month, ..first.clone() };
    let plan = plan_topics(&second, &Heads::new()).await.unwrap();
    let refused: Vec<&str> = plan.refused.iter().map(|refusal| refusal.of.as_str()).collect();
    assert_eq!(refused, ["planned.ledger_balance"], "{plan}");
    assert!(plan.to_string().contains("while 6 messages have not landed"), "{plan}");

    let heads = heads_of(&read(&second, &Heads::new()).await);
    let plan = apply(&second, &heads).await;
    assert_eq!(plan.refused, []);
    assert!(plan.to_string().contains("~ planned.lease: retention.ms -1 → 2592000000"), "{plan}");
    assert!(!plan.to_string().contains("planned.file: retention"), "{plan}");
    assert!(plan_topics(&second, &heads).await.unwrap().is_empty());
    let kept = KafkaConfig { topics: TopicSettings::default(), ..second.clone() };
    let plan = apply(&kept, &heads).await;
    assert!(plan.steps.iter().all(|step| matches!(step, Step::ChangeSetting { .. })), "{plan}");

    // A setting of somebody else outlives all this, and files go to the new partitions too.
    set(&second, "ledger_balance", &[]).await;
    let admin = AdminClient::<DefaultClientContext>::from_config(&second.client(&[]).unwrap()).unwrap();
    let topic = second.topic("ledger_balance");
    let asked = [rdkafka::admin::ResourceSpecifier::Topic(&topic)];
    let answer = admin.describe_configs(&asked, &AdminOptions::new()).await.unwrap().remove(0).unwrap();
    assert_eq!(answer.get("segment.bytes").unwrap().value.as_deref(), Some("12345678"));
    let scripts: Vec<String> = (1..9).map(|rows| format!("rows {rows}")).collect();
    deliver(&second, &scripts.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let rest = read(&second, &heads).await;
    assert!(rest.iter().any(|batch| batch.partition == 1), "no file went to the new partition");
    let refused = plan_topics(&first, &heads).await.unwrap().to_string();
    assert!(refused.contains("! planned.lease: it has 2 partitions and cannot get fewer"), "{refused}");
}

#[tokio::test]
async fn what_retention_deletes_after_it_has_landed_is_not_missed_and_before_is_a_gap() {
    let config = log("retained", 1).await;
    deliver(&config, &["rows 5"]).await;
    let heads = heads_of(&read(&config, &Heads::new()).await);
    let at_once = TopicSettings { retention_days: Some(0), ..TopicSettings::default() };
    let short = KafkaConfig { topics: at_once, ..config };
    assert_eq!(apply(&short, &heads).await.refused, []);
    let started = std::time::Instant::now();
    loop {
        let reader = KafkaReader::open(&short, &Heads::new(), Shard::WHOLE, Limits::default()).await.unwrap();
        if let Some(gap) = reader.gaps().first() {
            break assert_eq!(gap.contract, "ledger_balance");
        }
        assert!(started.elapsed() < Duration::from_secs(30), "nothing was deleted");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(read(&short, &heads).await.is_empty());
    let delivery = KafkaDelivery::open(&short).await.unwrap();
    assert!(delivery.knows(&file("a", "rows 5").origin.file_id), "the topic of files is never shortened");
}

#[tokio::test]
async fn compaction_keeps_the_newest_of_a_key_and_leaves_holes_that_readers_pass() {
    let at_once = TopicSettings { compact_after_days: Some(0), ..TopicSettings::default() };
    let config = KafkaConfig { topics: at_once, ..unmade("compacted", 1) };
    create_topics(&config).await.unwrap();
    set(&config, "customer_item", &[("segment.ms", "100"), ("min.cleanable.dirty.ratio", "0.001")]).await;
    // One extract delivered three times with other bytes: equal keys, and equal rows but for their file.
    let scripts = ["invoices 50", "invoices 50\n", "invoices 50\n\n"];
    let mut heads_between = Heads::new();
    for script in scripts {
        deliver(&config, &[script]).await;
        let batches = read(&config, &heads_between).await;
        land(&mut heads_between, &batches);
        if script == scripts[0] {
            assert_eq!(heads_between.get("customer_item", 0), 51);
        }
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    let count = |batches: &[LogBatch]| -> usize {
        batches.iter().filter(|batch| batch.contract.name == "customer_item").map(LogBatch::accepted_rows).sum()
    };
    let mut more = 0;
    let compacted = loop {
        // The newest segment is never compacted: something must follow.
        more += 1;
        deliver(&config, &[&format!("invoices 1{}", "\n".repeat(more))]).await;
        let batches = read(&config, &Heads::new()).await;
        if count(&batches) < 100 {
            break batches;
        }
        assert!(more < 200, "nothing was compacted: {}", count(&batches));
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    // Positions stay contiguous over the holes, from the start and from the middle of one.
    let heads = heads_of(&compacted);
    assert!(heads.get("customer_item", 0) > 153);
    for head in [1, 51, 60, 102] {
        let mut middle = Heads::new();
        middle.set("customer_item", 0, head);
        let batches = read(&config, &middle).await;
        land(&mut middle, &batches);
        assert!(middle.get("customer_item", 0) >= heads.get("customer_item", 0));
    }
    let keys: std::collections::BTreeSet<String> = compacted
        .iter()
        .filter(|batch| batch.contract.name == "customer_item")
        .flat_map(|batch| &batch.accepted)
        .flat_map(|rows| (0..rows.num_rows()).map(|row| schemas::json::row(rows, row)["item_id"].to_string()))
        .collect();
    assert_eq!(keys.len(), 50, "of every key one record is left");
}
