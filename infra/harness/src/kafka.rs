use std::io;
use std::path::Path;

/// A running single-node Apache Kafka.
#[derive(Debug)]
pub struct Kafka {
    port: u16,
}

impl Kafka {
    /// Installs Kafka into the user's cache folder if it is not there.
    ///
    /// # Errors
    /// When Maven is missing or fails.
    pub fn install() -> io::Result<()> {
        todo!()
    }

    /// Starts a broker that keeps its data in `dir`; installs Kafka first if need be.
    ///
    /// # Errors
    /// When it cannot be installed or does not start.
    pub fn start(_dir: &Path) -> io::Result<Self> {
        todo!()
    }

    /// `127.0.0.1:PORT`.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}
