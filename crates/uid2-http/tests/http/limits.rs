//! A response can be only so large.

use tokio::io::AsyncWriteExt;
use uid2_core::operation::{Action, Generate};
use uid2_http::{Client, HyperTransport, RetryPolicy, TransportErrorKind};

use crate::support::{RawServer, TestRuntime, caller, client, dii, read_request, transport_kind};

const LIMIT: usize = 1000;

async fn answered_with(head: &'static str, body: Vec<u8>) -> uid2_http::Error {
    let server = RawServer::start(move |mut tcp, _| {
        let body = body.clone();
        async move {
            read_request(&mut tcp).await;
            tcp.write_all(head.as_bytes()).await.unwrap();
            // A client that has had enough breaks off.
            let _ = tcp.write_all(&body).await;
        }
    })
    .await;
    let transport = HyperTransport::builder()
        .no_proxy()
        .only_added_roots()
        .max_response(LIMIT)
        .build()
        .unwrap();
    let client = Client::builder(caller(), server.base_url())
        .retry(RetryPolicy::default())
        .build(transport);
    client.generate(&Generate::new(&dii())).await.unwrap_err()
}

#[tokio::test]
async fn an_announced_excess_is_refused_unread() {
    // Were it read, the test would wait for a body that never comes.
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n";
    let error = answered_with(head, Vec::new()).await;
    assert_eq!(transport_kind(&error), TransportErrorKind::TooLarge);
    assert_eq!(error.action(), Action::FixConfiguration);
    assert_eq!(error.attempts(), 1, "the next would be as large");
}

#[tokio::test]
async fn an_excess_that_shows_only_later_is_refused() {
    let chunk = [b"64\r\n".as_slice(), &[b'A'; 100], b"\r\n"].concat();
    let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let error = answered_with(head, chunk.repeat(11)).await;
    assert_eq!(transport_kind(&error), TransportErrorKind::TooLarge);
}

#[tokio::test]
async fn a_body_without_end_is_refused() {
    let head = "HTTP/1.1 200 OK\r\n\r\n";
    let error = answered_with(head, vec![b'A'; 10 * LIMIT]).await;
    assert_eq!(transport_kind(&error), TransportErrorKind::TooLarge);
}

/// The limit itself is within the limit: the answer is read, and found wanting.
#[tokio::test]
async fn what_just_fits_is_read() {
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n";
    let error = answered_with(head, vec![b'A'; LIMIT]).await;
    assert!(error.transport().is_none(), "{error:?}");
    assert_eq!(error.http_status(), Some(200));
}

#[tokio::test]
async fn headers_without_end_are_refused() {
    let server = RawServer::start(|mut tcp, _| async move {
        read_request(&mut tcp).await;
        tcp.write_all(b"HTTP/1.1 200 OK\r\n").await.unwrap();
        while tcp
            .write_all(b"x-padding: AAAAAAAAAAAAAAAAAAAAAAAA\r\n")
            .await
            .is_ok()
        {}
    })
    .await;
    let client = client(server.base_url(), &TestRuntime::new());
    let error = client.generate(&Generate::new(&dii())).await.unwrap_err();
    assert_eq!(transport_kind(&error), TransportErrorKind::NotHttp);
    assert_eq!(error.attempts(), 1);
}
