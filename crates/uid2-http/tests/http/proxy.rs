//! Through a proxy.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use uid2_core::operation::{Action, Generate};
use uid2_http::hyper::HyperTransportError;
use uid2_http::{Client, HyperTransport, TransportErrorKind};

use crate::support::{
    API_KEY, Authority, RawServer, Server, TestRuntime, caller, dii, good, policy, transport_kind,
};

/// A proxy that knows CONNECT and keeps what it was asked.
struct Proxy {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// Tunnels to `target` whatever it is asked for, or answers `refusal`.
    async fn start(
        target: &Server,
        refusal: Option<&'static str>,
        tls: Option<TlsAcceptor>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (log, target) = (Arc::clone(&asked), target.address());
        tokio::spawn(async move {
            loop {
                let (tcp, _) = listener.accept().await.unwrap();
                let (log, tls) = (Arc::clone(&log), tls.clone());
                tokio::spawn(async move {
                    let upstream = TcpStream::connect(target).await.unwrap();
                    match tls {
                        None => tunnel(tcp, upstream, refusal, &log).await,
                        Some(tls) => {
                            let io = tls.accept(tcp).await.unwrap();
                            tunnel(io, upstream, refusal, &log).await;
                        }
                    }
                });
            }
        });
        Self { port, asked }
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().clone()
    }
}

async fn tunnel(
    mut client: impl AsyncRead + AsyncWrite + Unpin,
    mut upstream: TcpStream,
    refusal: Option<&'static str>,
    log: &Mutex<Vec<String>>,
) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await.unwrap());
    }
    log.lock().push(String::from_utf8(head).unwrap());
    let answer = refusal.unwrap_or("HTTP/1.1 200 Connection established\r\n\r\n");
    client.write_all(answer.as_bytes()).await.unwrap();
    if refusal.is_none() {
        let _ = tokio::io::copy_bidirectional(&mut client, &mut upstream).await;
    }
}

fn over(
    authority: &Authority,
    server: &Server,
    proxy: &str,
) -> Client<HyperTransport, TestRuntime> {
    let transport = HyperTransport::builder()
        .only_added_roots()
        .add_root_pem(authority.pem().as_bytes())
        .unwrap()
        .proxy(proxy)
        .unwrap()
        .build()
        .unwrap();
    // A name that only the proxy can make something of.
    Client::builder(caller(), server.base_url_as("operator.invalid"))
        .retry(policy())
        .build_on(transport, TestRuntime::new())
}

async fn operator(authority: &Authority) -> Server {
    Server::start_tls(
        authority.server("operator.invalid", &["h2", "http/1.1"]),
        good,
    )
    .await
}

#[tokio::test]
async fn a_tunnel_shows_the_proxy_the_host_only() {
    let authority = Authority::new();
    let server = operator(&authority).await;
    let proxy = Proxy::start(&server, None, None).await;
    let url = format!("http://jane:p%40ss@127.0.0.1:{}", proxy.port);
    let client = over(&authority, &server, &url);
    for _ in 0..3 {
        client.generate(&Generate::new(&dii())).await.unwrap();
    }
    assert_eq!(server.seen().len(), 3);
    let asked = proxy.asked();
    assert_eq!(asked.len(), 1, "the tunnel is kept like any connection");
    let port = server.address().port();
    assert!(asked[0].starts_with(&format!("CONNECT operator.invalid:{port} HTTP/1.1\r\n")));
    // "jane:p@ss"
    assert!(asked[0].contains("Proxy-Authorization: Basic amFuZTpwQHNz\r\n"));
    assert!(!asked[0].contains(API_KEY));
    assert!(server.seen()[0].header("proxy-authorization").is_none());
}

#[tokio::test]
async fn a_proxy_may_speak_tls_itself() {
    let authority = Authority::new();
    let server = operator(&authority).await;
    let tls = Arc::new(authority.server("localhost", &[])).into();
    let proxy = Proxy::start(&server, None, Some(tls)).await;
    let url = format!("https://localhost:{}", proxy.port);
    let client = over(&authority, &server, &url);
    client.generate(&Generate::new(&dii())).await.unwrap();
    assert_eq!(proxy.asked().len(), 1);
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_proxy_that_wants_credentials_is_told_from_one_that_fails() {
    let authority = Authority::new();
    let server = operator(&authority).await;
    let cases = [
        (
            "HTTP/1.1 407 Who?\r\ncontent-length: 0\r\n\r\n",
            TransportErrorKind::ProxyAuthentication,
            Action::FixConfiguration,
            1,
        ),
        (
            "HTTP/1.1 502 No\r\ncontent-length: 0\r\n\r\n",
            TransportErrorKind::Proxy,
            Action::Retry,
            3,
        ),
        ("", TransportErrorKind::Proxy, Action::Retry, 3),
        (
            "220 mail.example ESMTP\r\n",
            TransportErrorKind::Proxy,
            Action::Retry,
            3,
        ),
    ];
    for (answer, kind, action, attempts) in cases {
        let proxy = Proxy::start(&server, Some(answer), None).await;
        let client = over(
            &authority,
            &server,
            &format!("http://127.0.0.1:{}", proxy.port),
        );
        let error = client.generate(&Generate::new(&dii())).await.unwrap_err();
        assert_eq!(transport_kind(&error), kind, "{answer}");
        assert_eq!(error.action(), action);
        assert_eq!(error.attempts(), attempts);
        assert!(!error.transport().unwrap().may_have_arrived());
    }
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_not_gone_round() {
    let authority = Authority::new();
    let server = operator(&authority).await;
    let port = RawServer::start(|_, _| async {}).await.address().port();
    let client = over(&authority, &server, &format!("http://127.0.0.1:{port}"));
    let error = client.generate(&Generate::new(&dii())).await.unwrap_err();
    assert_eq!(transport_kind(&error), TransportErrorKind::Proxy);
    assert_eq!(server.connections(), 0);
}

#[test]
fn what_is_no_proxy_is_told_without_its_password() {
    let proxy = |url| HyperTransport::builder().proxy(url).map(drop).unwrap_err();
    for url in ["", "http://", "ftp://jane:secret@proxy:21", "http://a b"] {
        let error = proxy(url);
        assert!(
            matches!(error, HyperTransportError::Proxy),
            "{url}: {error:?}"
        );
        assert!(!format!("{error} {error:?}").contains("secret"));
    }
    let error = proxy("socks5://jane:secret@proxy:1080");
    assert!(matches!(error, HyperTransportError::ProxyScheme));
    assert!(!format!("{error} {error:?}").contains("secret"));
}
