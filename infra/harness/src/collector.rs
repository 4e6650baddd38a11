use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// A collector of traces (OTLP over HTTP) on a free loopback port, which keeps the bodies that it is sent. It lives as
/// long as the process.
#[derive(Debug)]
pub struct Collector {
    address: String,
    bodies: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Collector {
    /// Starts it.
    ///
    /// # Errors
    /// When no port is to be had.
    pub fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = format!("http://{}", listener.local_addr()?);
        let bodies: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
        let kept = Arc::clone(&bodies);
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                // What is no request of an exporter is not answered, and the exporter says so.
                if let Ok(body) = read(&mut stream) {
                    kept.lock().unwrap_or_else(PoisonError::into_inner).push(body);
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                }
            }
        });
        Ok(Self { address, bodies })
    }

    /// Its address, `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The bodies of the requests so far.
    #[must_use]
    pub fn bodies(&self) -> Vec<Vec<u8>> {
        self.bodies.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The body of a request that an exporter makes.
fn read(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let wrong = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let (mut text, mut part) = (Vec::new(), [0; 4096]);
    let head = loop {
        if let Some(end) = text.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        match stream.read(&mut part)? {
            0 => return Err(wrong("it ends within the headers")),
            count => text.extend_from_slice(&part[..count]),
        }
    };
    let headers = String::from_utf8_lossy(&text[..head]).to_lowercase();
    if !headers.starts_with("post /v1/traces ") || !headers.contains("content-type: application/x-protobuf") {
        return Err(wrong("it is no export of traces"));
    }
    let length = headers.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let end = head + length.unwrap_or(0_usize);
    while text.len() < end {
        match stream.read(&mut part)? {
            0 => return Err(wrong("it ends within the body")),
            count => text.extend_from_slice(&part[..count]),
        }
    }
    Ok(text.split_off(head))
}
