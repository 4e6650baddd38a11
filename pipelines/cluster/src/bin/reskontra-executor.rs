//! `reskontra-executor`: computes the tasks that a scheduler gives it.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use ballista_executor::executor_process::{ExecutorProcessConfig, start_executor_process};
use clap::Parser;
use cluster::{Codec, MESSAGE_BYTES, PORT, SCHEDULING, Stores, Unmeasured};
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;

/// Computes tasks for a scheduler. It reads the tables itself: give it the same way to the store, and the same
/// credentials in the environment, as `reskontra` has.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// Machine of the scheduler.
    #[arg(long, default_value = "localhost")]
    scheduler: String,
    /// Port of the scheduler.
    #[arg(long, default_value_t = PORT)]
    scheduler_port: u16,
    /// Address to listen on.
    #[arg(long, default_value = "127.0.0.1")]
    bind: IpAddr,
    /// Name by which the others reach this machine; the address it calls from when left out.
    #[arg(long)]
    host: Option<String>,
    /// Port for rows.
    #[arg(long, default_value_t = PORT + 1)]
    port: u16,
    /// Port for tasks.
    #[arg(long, default_value_t = PORT + 2)]
    task_port: u16,
    /// Tasks side by side; one a core when left out.
    #[arg(long)]
    cores: Option<usize>,
    /// Bytes of memory for all tasks, beyond which they spill; 70 % of the machine's when left out.
    #[arg(long)]
    memory: Option<u64>,
    /// Folder for rows between tasks; it wants to be fast and large.
    #[arg(long)]
    work: PathBuf,
}

/// Signs of life; the scheduler waits for at least three of them.
const HEARTBEAT_SECONDS: u64 = 5;

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let log = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into());
    tracing_subscriber::fmt().with_env_filter(log).with_writer(std::io::stderr).init();
    std::fs::create_dir_all(&args.work)?;
    let spill = args.work.clone();
    let sessions = SessionStateBuilder::new_with_default_features().build();
    let config = ExecutorProcessConfig {
        bind_host: args.bind.to_string(),
        external_host: args.host,
        port: args.port,
        grpc_port: args.task_port,
        scheduler_host: args.scheduler,
        scheduler_port: args.scheduler_port,
        scheduler_connect_timeout_seconds: 60,
        task_scheduling_policy: SCHEDULING,
        vcores: args.cores.unwrap_or(0),
        work_dir: Some(args.work.to_string_lossy().into_owned()),
        memory_pool_size: args.memory,
        executor_heartbeat_interval_seconds: HEARTBEAT_SECONDS,
        job_data_ttl_seconds: 24 * 60 * 60,
        job_data_clean_up_interval_seconds: 60 * 60,
        grpc_max_decoding_message_size: MESSAGE_BYTES,
        grpc_max_encoding_message_size: MESSAGE_BYTES,
        override_execution_engine: Some(Arc::new(Unmeasured::default())),
        // All functions that a session of ours has; Ballista on its own leaves out those on lists.
        override_function_registry: Some(Arc::new((&sessions).into())),
        override_physical_codec: Some(Arc::new(Codec::default())),
        override_runtime_producer: Some(Arc::new(move |_| {
            let stores = Arc::new(Stores::default());
            let runtime = RuntimeEnvBuilder::new().with_temp_file_path(&spill).with_object_store_registry(stores);
            runtime.build_arc()
        })),
        ..ExecutorProcessConfig::default()
    };
    // Plans are read recursively; deep plans need deep stacks in unoptimised builds.
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_stack_size(16 << 20).build()?;
    runtime.block_on(start_executor_process(Arc::new(config)))?;
    Ok(())
}
