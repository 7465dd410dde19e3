//! Nothing is waited for without end. Real time, but little of it.

use std::future::pending;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsAcceptor;
use uid2_core::BaseUrl;
use uid2_core::operation::{Action, Generate, Logout};
use uid2_http::hyper::HyperTransportBuilder;
use uid2_http::{
    Client, ErrorKind, HyperTransport, RetryPolicy, Transport, TransportError, TransportErrorKind,
};

use crate::support::{Authority, RawServer, caller, dii, read_request, transport_kind};

/// What is tested, and what else must not come first.
const SHORT: Duration = Duration::from_millis(150);
/// Enough to connect and to send a request, on a busy machine too.
const ENOUGH: Duration = Duration::from_secs(2);
const LONG: Duration = Duration::from_secs(20);

fn impatient() -> HyperTransportBuilder {
    HyperTransport::builder()
        .no_proxy()
        .only_added_roots()
        .connect_timeout(LONG)
        .read_timeout(LONG)
        .total_timeout(LONG)
}

/// One attempt at a generate, which must end after [`SHORT`], and long before [`LONG`].
async fn generate(transport: impl Transport, base: BaseUrl) -> uid2_http::Error {
    let client = Client::builder(caller(), base)
        .retry(RetryPolicy::never().with_deadline(LONG))
        .build(transport);
    let begun = Instant::now();
    let error = client.generate(&Generate::new(&dii())).await.unwrap_err();
    let took = begun.elapsed();
    assert!(took >= SHORT && took < LONG / 2, "{took:?}: {error}");
    assert_eq!(error.action(), Action::Retry);
    error
}

/// A server whose queue of connections is full does not answer at all.
#[tokio::test]
async fn connecting() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queued = Vec::new();
    while let Ok(tcp) = tokio::time::timeout(SHORT * 2, TcpStream::connect(address)).await {
        queued.push(tcp.unwrap());
        assert!(queued.len() < 100, "the queue does not fill up");
    }
    let transport = impatient().connect_timeout(SHORT).build().unwrap();
    let base = format!("http://{address}").parse().unwrap();
    let error = generate(transport, base).await;
    assert_eq!(transport_kind(&error), TransportErrorKind::ConnectTimeout);
    assert!(!error.transport().unwrap().may_have_arrived());
}

/// TCP is up at once, for the system answers for a server that does not; TLS
/// is a part of connecting.
#[tokio::test]
async fn connecting_with_tls() {
    let server = RawServer::start(|tcp, _| async move {
        let _open = tcp;
        pending::<()>().await;
    })
    .await;
    let base = format!("https://{}", server.address()).parse().unwrap();
    let transport = impatient().connect_timeout(SHORT).build().unwrap();
    let error = generate(transport, base).await;
    assert_eq!(transport_kind(&error), TransportErrorKind::ConnectTimeout);
    assert!(!error.transport().unwrap().may_have_arrived());
}

#[tokio::test]
async fn the_head_of_the_response() {
    let server = RawServer::start(|mut tcp, _| async move {
        read_request(&mut tcp).await;
        tcp.write_all(b"HTTP/1.1 200 OK\r\ncontent-").await.unwrap();
        pending::<()>().await;
    })
    .await;
    let transport = impatient().read_timeout(SHORT).build().unwrap();
    let error = generate(transport, server.base_url()).await;
    assert_eq!(transport_kind(&error), TransportErrorKind::ReadTimeout);
    assert!(error.transport().unwrap().may_have_arrived());
}

#[tokio::test]
async fn the_body_of_the_response() {
    let server = RawServer::start(|mut tcp, _| async move {
        read_request(&mut tcp).await;
        let part = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nAAAA";
        tcp.write_all(part).await.unwrap();
        pending::<()>().await;
    })
    .await;
    let transport = impatient().read_timeout(SHORT).build().unwrap();
    let error = generate(transport, server.base_url()).await;
    assert_eq!(transport_kind(&error), TransportErrorKind::ReadTimeout);
}

/// A body that comes in drops never stalls, but is cut off all the same.
#[tokio::test]
async fn the_whole() {
    let server = RawServer::start(|mut tcp, _| async move {
        read_request(&mut tcp).await;
        let head = b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n";
        tcp.write_all(head).await.unwrap();
        while tcp.write_all(b"A").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    let transport = impatient().total_timeout(ENOUGH).build().unwrap();
    let error = generate(transport, server.base_url()).await;
    assert_eq!(transport_kind(&error), TransportErrorKind::TotalTimeout);
    assert!(error.transport().unwrap().may_have_arrived());
}

/// Whether the request was sent is told apart under the total timeout too.
#[tokio::test]
async fn the_whole_before_there_is_a_connection() {
    let server = RawServer::start(|tcp, _| async move {
        let _open = tcp;
        pending::<()>().await;
    })
    .await;
    let base = format!("https://{}", server.address()).parse().unwrap();
    let transport = impatient().total_timeout(SHORT).build().unwrap();
    let error = generate(transport, base).await;
    assert_eq!(transport_kind(&error), TransportErrorKind::TotalTimeout);
    assert!(!error.transport().unwrap().may_have_arrived());
}

/// Making a connection does not eat up the time for reading.
#[tokio::test]
async fn reading_begins_when_connected() {
    let authority = Authority::new();
    let tls = TlsAcceptor::from(Arc::new(authority.server("127.0.0.1", &[])));
    let server = RawServer::start(move |tcp, _| {
        let tls = tls.clone();
        async move {
            tokio::time::sleep(ENOUGH + SHORT).await;
            let mut io = tls.accept(tcp).await.unwrap();
            let answer = b"HTTP/1.1 401 No\r\ncontent-length: 0\r\n\r\n";
            // The first byte of the request is enough to know that it comes.
            io.read_u8().await.unwrap();
            io.write_all(answer).await.unwrap();
            pending::<()>().await;
        }
    })
    .await;
    let transport = impatient()
        .add_root_pem(authority.pem().as_bytes())
        .unwrap()
        .read_timeout(ENOUGH)
        .build()
        .unwrap();
    let base: BaseUrl = format!("https://{}", server.address()).parse().unwrap();
    let client = Client::builder(caller(), base)
        .retry(RetryPolicy::never())
        .build(transport);
    let error = client.generate(&Generate::new(&dii())).await.unwrap_err();
    assert_eq!(error.http_status(), Some(401), "{error:?}");
}

/// A transport without timeouts of its own is cut off by the deadline.
#[tokio::test]
async fn the_deadline_of_a_call() {
    let transport = |_: Request<Bytes>| pending::<Result<Response<Bytes>, TransportError>>();
    let client = Client::builder(
        caller(),
        BaseUrl::parse("https://operator.invalid").unwrap(),
    )
    .retry(RetryPolicy::default().with_deadline(SHORT))
    .build(transport);
    let begun = Instant::now();
    let error = client.logout(&Logout::new(&dii())).await.unwrap_err();
    assert!(begun.elapsed() >= SHORT);
    assert_eq!(error.attempts(), 1);
    assert_eq!(error.action(), Action::Retry);
    match error.kind() {
        ErrorKind::Deadline { deadline, last } => {
            assert_eq!(*deadline, SHORT);
            assert!(last.is_none());
        }
        other => panic!("{other:?}"),
    }
}

/// What the attempt before had come to is not lost.
#[tokio::test]
async fn the_deadline_tells_how_the_last_attempt_failed() {
    let server = RawServer::start(|mut tcp, number| async move {
        read_request(&mut tcp).await;
        if number == 0 {
            let busy = b"HTTP/1.1 503 Busy\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
            tcp.write_all(busy).await.unwrap();
        } else {
            pending::<()>().await;
        }
    })
    .await;
    let policy = RetryPolicy::default()
        .with_pauses(Duration::ZERO, Duration::ZERO)
        .with_deadline(ENOUGH);
    let client = Client::builder(caller(), server.base_url())
        .retry(policy)
        .build(impatient().build().unwrap());
    let error = client.generate(&Generate::new(&dii())).await.unwrap_err();
    assert_eq!(error.attempts(), 2);
    assert_eq!(error.http_status(), Some(503));
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("HTTP 503"), "{source}");
}
