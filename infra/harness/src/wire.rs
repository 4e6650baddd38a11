use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// What an overloaded object store says.
const OVERLOADED: &[u8] = b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// A wire to a server that has faults. It can lose answers: the server gets the whole request and does as it says, and
/// the client never hears of it. It can fail, as a server does that is overloaded; and it can be slow.
#[derive(Debug)]
pub struct Wire {
    address: String,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    cut: AtomicBool,
    failing: AtomicBool,
    slow: AtomicU64,
    lost: AtomicU64,
}

impl Wire {
    /// A wire to the server at `server`.
    ///
    /// # Errors
    /// When no port is free.
    pub fn to(server: String) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let address = listener.local_addr()?.to_string();
        let state = Arc::new(State::default());
        let shared = state.clone();
        thread::spawn(move || {
            for mut client in listener.incoming().map_while(Result::ok) {
                if shared.failing.load(Ordering::SeqCst) {
                    shared.lost.fetch_add(1, Ordering::SeqCst);
                    // Only a request is answered: a client takes what comes before one for a defect of the server.
                    thread::spawn(move || client.read(&mut [0; 16 << 10]).and_then(|_| client.write_all(OVERLOADED)));
                    continue;
                }
                let Ok(upstream) = TcpStream::connect(&server) else { continue };
                let _ = relay(&client, &upstream, &shared);
            }
        });
        Ok(Self { address, state })
    }

    /// Where clients connect, `127.0.0.1:PORT`.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// From now on all answers are lost, and with each its connection; or none is.
    pub fn lose_answers(&self, lose: bool) {
        self.state.cut.store(lose, Ordering::SeqCst);
    }

    /// From now on the server seems overloaded, and gets no request; or it does not.
    pub fn fail(&self, fail: bool) {
        self.state.failing.store(fail, Ordering::SeqCst);
    }

    /// From now on every piece of an answer is so late.
    pub fn slow(&self, late: Duration) {
        self.state.slow.store(u64::try_from(late.as_millis()).unwrap_or(u64::MAX), Ordering::SeqCst);
    }

    /// Answers that were lost, and requests that never came to the server.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.state.lost.load(Ordering::SeqCst)
    }
}

fn relay(client: &TcpStream, server: &TcpStream, state: &Arc<State>) -> io::Result<()> {
    let (mut from_client, mut to_server, to_state) = (client.try_clone()?, server.try_clone()?, state.clone());
    thread::spawn(move || -> io::Result<()> {
        let mut bytes = [0; 16 << 10];
        loop {
            let count = from_client.read(&mut bytes)?;
            if count == 0 || to_state.failing.load(Ordering::SeqCst) {
                to_server.shutdown(Shutdown::Write)?;
                return if count == 0 { Ok(()) } else { from_client.shutdown(Shutdown::Both) };
            }
            to_server.write_all(&bytes[..count])?;
        }
    });
    let (mut from_server, mut to_client, state) = (server.try_clone()?, client.try_clone()?, state.clone());
    thread::spawn(move || -> io::Result<()> {
        let mut bytes = [0; 16 << 10];
        loop {
            let count = from_server.read(&mut bytes)?;
            if count > 0 && state.cut.load(Ordering::SeqCst) {
                state.lost.fetch_add(1, Ordering::SeqCst);
                from_server.shutdown(Shutdown::Both)?;
                return to_client.shutdown(Shutdown::Both);
            }
            if count == 0 {
                return to_client.shutdown(Shutdown::Write);
            }
            match state.slow.load(Ordering::SeqCst) {
                0 => {}
                late => thread::sleep(Duration::from_millis(late)),
            }
            to_client.write_all(&bytes[..count])?;
        }
    });
    Ok(())
}
