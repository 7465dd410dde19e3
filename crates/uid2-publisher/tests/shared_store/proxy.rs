//! Between the nodes and the operator: sees every refresh, and holds them back
//! when it is told to, so that a test knows for sure what is in flight.

use std::io::{BufRead, BufReader, Result, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

#[derive(Clone)]
pub(crate) struct Proxy {
    address: SocketAddr,
    state: Arc<(Mutex<State>, Condvar)>,
}

#[derive(Default)]
struct State {
    /// Of each refresh that came by: its refresh token.
    refreshes: Vec<Vec<u8>>,
    holds: bool,
}

impl Proxy {
    pub(crate) fn start(operator: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Self {
            address: listener.local_addr().unwrap(),
            state: Arc::default(),
        };
        let accepting = proxy.clone();
        thread::spawn(move || {
            for client in listener.incoming() {
                let (proxy, client) = (accepting.clone(), client.unwrap());
                // A node that is gone, or an operator that is, ends it.
                thread::spawn(move || proxy.serve(client, operator));
            }
        });
        proxy
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Holds refreshes back from now on, or lets them go.
    pub(crate) fn hold(&self, holds: bool) {
        self.state.0.lock().unwrap().holds = holds;
        self.state.1.notify_all();
    }

    /// The refresh tokens of all refreshes that came by, those held back included.
    pub(crate) fn refreshes(&self) -> Vec<Vec<u8>> {
        self.state.0.lock().unwrap().refreshes.clone()
    }

    /// Waits until so many refreshes have come by.
    pub(crate) fn wait_for(&self, refreshes: usize) {
        let state = self.state.0.lock().unwrap();
        let patience = Duration::from_secs(20);
        let few = |state: &mut State| state.refreshes.len() < refreshes;
        let (state, result) = self
            .state
            .1
            .wait_timeout_while(state, patience, few)
            .unwrap();
        assert!(
            !result.timed_out(),
            "{} of {refreshes} refreshes came",
            state.refreshes.len()
        );
    }

    fn serve(&self, mut client: TcpStream, operator: SocketAddr) -> Result<()> {
        let mut operator = TcpStream::connect(operator)?;
        let mut requests = BufReader::new(client.try_clone()?);
        let mut answers = BufReader::new(operator.try_clone()?);
        loop {
            let request = message(&mut requests)?;
            if request.head.starts_with("POST /v2/token/refresh ") {
                self.pass(&request.body);
            }
            operator.write_all(&request.bytes())?;
            client.write_all(&message(&mut answers)?.bytes())?;
        }
    }

    fn pass(&self, refresh_token: &[u8]) {
        let mut state = self.state.0.lock().unwrap();
        state.refreshes.push(refresh_token.to_vec());
        self.state.1.notify_all();
        drop(self.state.1.wait_while(state, |state| state.holds).unwrap());
    }
}

struct Message {
    head: String,
    body: Vec<u8>,
}

impl Message {
    fn bytes(&self) -> Vec<u8> {
        [self.head.as_bytes(), &self.body].concat()
    }
}

/// One message of HTTP/1.1 that says how long it is.
fn message(from: &mut impl BufRead) -> Result<Message> {
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let start = head.len();
        if from.read_line(&mut head)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let line = head[start..].trim_end();
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body)?;
    Ok(Message { head, body })
}
