use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

/// A wire to a server that can lose answers: the server gets the whole request and does as it says, and the client
/// never hears of it.
#[derive(Debug)]
pub struct Wire {
    address: String,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    cut: AtomicBool,
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
            for client in listener.incoming().map_while(Result::ok) {
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

    /// Answers that were lost.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.state.lost.load(Ordering::SeqCst)
    }
}

fn relay(client: &TcpStream, server: &TcpStream, state: &Arc<State>) -> io::Result<()> {
    let (mut from_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
    thread::spawn(move || {
        let _ = io::copy(&mut from_client, &mut to_server);
        to_server.shutdown(Shutdown::Write)
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
            to_client.write_all(&bytes[..count])?;
        }
    });
    Ok(())
}
