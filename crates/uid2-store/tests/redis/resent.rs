//! Writes that a client sends twice, because it lost its connection before the
//! answer came: they take place once, whatever others have done in between.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use uid2_store::conformance::logged_out;
use uid2_store::{Precondition, RedisStore, TokenStore};

use super::server::{Server, is_installed};
use super::{at, user};

/// Passes everything on, and knows the last script that was called.
struct Wire {
    server: u16,
    port: u16,
    last: Arc<Mutex<Vec<u8>>>,
}

impl Wire {
    async fn to(server: &Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let wire = Self {
            server: server.port,
            port: listener.local_addr().unwrap().port(),
            last: Arc::default(),
        };
        let (last, port) = (Arc::clone(&wire.last), server.port);
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let last = Arc::clone(&last);
                tokio::spawn(async move {
                    let mut server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                    let (mut questions, mut to_client) = client.split();
                    let (mut answers, mut to_server) = server.split();
                    let forth = async {
                        let mut bytes = vec![0; 1 << 16];
                        while let Ok(count @ 1..) = questions.read(&mut bytes).await {
                            let part = &bytes[..count];
                            if part.windows(7).any(|word| word == b"EVALSHA") {
                                *last.lock().unwrap() = part.to_vec();
                            }
                            to_server.write_all(part).await.unwrap();
                        }
                    };
                    let back = tokio::io::copy(&mut answers, &mut to_client);
                    tokio::select! {
                        () = forth => {}
                        _ = back => {}
                    }
                });
            }
        });
        wire
    }

    async fn connect(&self) -> RedisStore {
        let url = format!("redis://127.0.0.1:{}", self.port);
        RedisStore::connect(&url).await.unwrap()
    }

    /// The call that came last, to the byte.
    fn last(&self) -> Vec<u8> {
        self.last.lock().unwrap().clone()
    }

    /// Sends it again, and gives the answer.
    async fn resend(&self, call: &[u8]) -> String {
        let mut server = TcpStream::connect(("127.0.0.1", self.server))
            .await
            .unwrap();
        server.write_all(call).await.unwrap();
        let mut answer = vec![0; 1000];
        let count = server.read(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer[..count]).into_owned()
    }
}

fn number(answer: &str) -> u64 {
    let digits = answer.trim_end().rsplit("\r\n").next().unwrap();
    digits
        .trim_start_matches(':')
        .parse()
        .unwrap_or_else(|_| panic!("{answer:?}"))
}

#[tokio::test]
async fn a_put_that_comes_twice_undoes_no_logout() {
    if !is_installed("a_put_that_comes_twice_undoes_no_logout") {
        return;
    }
    let server = Server::start(&[]).await;
    let wire = Wire::to(&server).await;
    let (one, two) = (
        wire.connect().await,
        RedisStore::connect(&server.url()).await.unwrap(),
    );
    // The server knows the scripts from now on.
    one.put(b"first", &user("x"), Precondition::Any)
        .await
        .unwrap();
    for when in [Precondition::Any, Precondition::Absent] {
        one.remove(b"user", Precondition::Any).await.unwrap();
        let version = one.put(b"user", &user("x"), when).await.unwrap();
        let call = wire.last();
        assert_eq!(number(&wire.resend(&call).await), version.get());
        let entry = two.get(b"user").await.unwrap().unwrap();
        assert_eq!((entry.record, entry.version), (user("x"), version));

        // Others write, some times over.
        let goodbye = logged_out(at(5), at(1 << 40));
        for _ in 0..9 {
            two.put(b"user", &goodbye, Precondition::Any).await.unwrap();
            assert_eq!(number(&wire.resend(&call).await), version.get());
            assert_eq!(two.get(b"user").await.unwrap().unwrap().record, goodbye);
        }
        // Or remove what was put.
        two.remove(b"user", Precondition::Any).await.unwrap();
        assert_eq!(number(&wire.resend(&call).await), version.get());
        assert_eq!(two.get(b"user").await.unwrap(), None, "it is back");
        assert!(two.due(at(99), None, 9).await.unwrap().len() == 1);
    }
}

#[tokio::test]
async fn a_removal_that_comes_twice_removes_once_and_says_the_same() {
    if !is_installed("a_removal_that_comes_twice_removes_once_and_says_the_same") {
        return;
    }
    let server = Server::start(&[]).await;
    let wire = Wire::to(&server).await;
    let (one, two) = (
        wire.connect().await,
        RedisStore::connect(&server.url()).await.unwrap(),
    );
    one.remove(b"first", Precondition::Any).await.unwrap();
    for conditional in [false, true] {
        let version = two
            .put(b"user", &user("x"), Precondition::Any)
            .await
            .unwrap();
        let when = if conditional {
            Precondition::Version(version)
        } else {
            Precondition::Any
        };
        assert!(one.remove(b"user", when).await.unwrap());
        let call = wire.last();
        assert_eq!(wire.resend(&call).await, ":1\r\n");
        // The user signs in again meanwhile.
        two.put(b"user", &user("new"), Precondition::Any)
            .await
            .unwrap();
        assert_eq!(wire.resend(&call).await, ":1\r\n");
        let found = two.get(b"user").await.unwrap().unwrap();
        assert_eq!(found.record, user("new"), "removed a second time");
        // A call of its own is another matter.
        assert!(two.remove(b"user", Precondition::Any).await.unwrap());
        assert!(!two.remove(b"user", Precondition::Any).await.unwrap());
    }
}
