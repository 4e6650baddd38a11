use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Runs the command given as arguments and kills it when standard input closes, so that no server outlives the
/// process that started it, however that process ends.
const TETHER: &str = r#"exec 3<&0
"$@" </dev/null 3<&- &
server=$!
(cat <&3 >/dev/null; kill -9 $server 2>/dev/null) >/dev/null 2>&1 &
wait $server
"#;

const START_DEADLINE: Duration = Duration::from_secs(90);

/// A server process. Dropping it kills it, as a power cut would.
#[derive(Debug)]
pub struct Server {
    name: &'static str,
    log: PathBuf,
    tether: Option<ChildStdin>,
    process: Child,
}

impl Server {
    /// Starts a command in `dir`, where its output goes to `server.log`.
    pub fn start(
        name: &'static str,
        command: impl IntoIterator<Item = OsString>,
        dir: &Path,
        environment: &[(&str, &str)],
    ) -> io::Result<Self> {
        let log = dir.join("server.log");
        let out = File::create(&log)?;
        let mut process = Command::new("sh")
            .args(["-c", TETHER, "sh"])
            .args(command)
            .envs(environment.iter().copied())
            .current_dir(dir)
            .stdin(Stdio::piped())
            .stdout(out.try_clone()?)
            .stderr(out)
            .spawn()?;
        let tether = process.stdin.take();
        Ok(Self { name, log, tether, process })
    }

    /// Waits until the server is ready, which `is_ready` tells from its log or by asking it.
    pub fn wait(&mut self, is_ready: impl Fn(&str) -> bool) -> io::Result<()> {
        let started = Instant::now();
        loop {
            let text = fs::read_to_string(&self.log)?;
            if is_ready(&text) {
                return Ok(());
            }
            let fate = match self.process.try_wait()? {
                Some(status) => format!("ended ({status})"),
                None if started.elapsed() > START_DEADLINE => "did not become ready".to_owned(),
                None => {
                    thread::sleep(Duration::from_millis(20));
                    continue;
                }
            };
            let end: Vec<&str> = text.lines().rev().take(15).collect();
            let end = end.into_iter().rev().collect::<Vec<_>>().join("\n");
            return Err(io::Error::other(format!("{} {fate}; {} ends with:\n{end}", self.name, self.log.display())));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.tether.take());
        // Its end is all that is waited for; how it ended does not matter.
        let _ = self.process.wait();
    }
}

/// The user's cache folder, where servers are installed.
pub fn cache() -> io::Result<PathBuf> {
    let dir = |name: &str| std::env::var_os(name).filter(|dir| !dir.is_empty()).map(PathBuf::from);
    let cache = dir("XDG_CACHE_HOME").or_else(|| dir("HOME").map(|home| home.join(".cache")));
    let cache = cache.ok_or_else(|| io::Error::other("neither XDG_CACHE_HOME nor HOME is set"))?;
    Ok(cache.join("reskontra"))
}

pub fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
