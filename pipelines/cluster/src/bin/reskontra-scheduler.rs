//! `reskontra-scheduler`: divides plans into tasks for the executors of a cluster.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use ballista_scheduler::cluster::BallistaCluster;
use ballista_scheduler::config::SchedulerConfig;
use ballista_scheduler::scheduler_process::{create_scheduler, start_grpc_service};
use clap::Parser;
use cluster::{Codec, Executors, MESSAGE_BYTES, PORT, SCHEDULING, Scheduler};

/// Divides the plans that `reskontra --engine ballista://…` sends into tasks for executors.
///
/// It has no sign-in: let only machines of the cluster and of `reskontra` reach it.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1")]
    bind: IpAddr,
    /// Port to listen on.
    #[arg(long, default_value_t = PORT)]
    port: u16,
    /// Name by which executors reach this machine.
    #[arg(long, default_value = "localhost")]
    host: String,
    /// Seconds without a sign of life after which an executor counts as dead and jobs under way are begun again.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(15..=300))]
    executor_timeout: u64,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let log = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into());
    tracing_subscriber::fmt().with_env_filter(log).with_writer(std::io::stderr).init();
    let config = SchedulerConfig {
        bind_host: args.bind.to_string(),
        bind_port: args.port,
        external_host: args.host,
        scheduling_policy: SCHEDULING,
        // A job is computed as a whole or not at all: see `Executors`.
        task_max_failures: 1,
        stage_max_failures: 1,
        executor_timeout_seconds: args.executor_timeout,
        expire_dead_executor_interval_seconds: args.executor_timeout / 5,
        no_executors_grace_period_seconds: args.executor_timeout,
        // Rows are fetched right after a job is done; the files of tasks need not stay for longer.
        finished_job_data_clean_up_interval_seconds: 600,
        finished_job_state_clean_up_interval_seconds: 600,
        grpc_server_max_decoding_message_size: MESSAGE_BYTES,
        grpc_server_max_encoding_message_size: MESSAGE_BYTES,
        grpc_client_max_message_size: MESSAGE_BYTES,
        override_physical_codec: Some(Arc::new(Codec::default())),
        ..SchedulerConfig::default()
    };
    // Plans are read recursively; deep plans need deep stacks in unoptimised builds.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(16 << 20).build()?;
    runtime.block_on(async {
        config.validate()?;
        let executors = Arc::new(Executors::default());
        let jobs = BallistaCluster::new_from_config(&config).await?.job_state();
        let cluster = BallistaCluster::new(executors.clone(), jobs);
        let scheduler: Scheduler = create_scheduler(cluster, Arc::new(config)).await?;
        executors.serve(scheduler.clone());
        start_grpc_service(SocketAddr::new(args.bind, args.port), scheduler).await?;
        Ok(())
    })
}
