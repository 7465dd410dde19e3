//! What HTTP/2 does in its own way.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response};
use http_body_util::StreamBody;
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use uid2_core::operation::{Generate, Logout};
use uid2_http::{Client, HyperTransport, TransportErrorKind};

use crate::support::{Authority, TestRuntime, caller, dii, policy, transport_kind};

/// Begins every response and then resets its stream; the connection goes on.
async fn resetting(tls: TlsAcceptor) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (tcp, _) = listener.accept().await.unwrap();
        // Another connection would be refused.
        drop(listener);
        let io = TokioIo::new(tls.accept(tcp).await.unwrap());
        let service = service_fn(|_: Request<Incoming>| async {
            let beginning = Ok(Frame::data(Bytes::from_static(b"AAAA")));
            let end = Err(io::Error::other("reset"));
            let body = StreamBody::new(stream::iter([beginning, end]));
            Ok::<_, Infallible>(Response::new(body))
        });
        let _ = http2::Builder::new(TokioExecutor::new())
            .serve_connection(io, service)
            .await;
    });
    address
}

#[tokio::test]
async fn a_stream_that_is_reset_does_not_cost_the_connection() {
    let authority = Authority::new();
    let tls = Arc::new(authority.server("127.0.0.1", &["h2"])).into();
    let address = resetting(tls).await;
    let transport = HyperTransport::builder()
        .no_proxy()
        .only_added_roots()
        .add_root_pem(authority.pem().as_bytes())
        .unwrap()
        .build()
        .unwrap();
    let base: uid2_core::BaseUrl = format!("https://{address}").parse().unwrap();
    let client = Client::builder(caller(), base)
        .retry(policy())
        .build_on(transport, TestRuntime::new());
    let dii = dii();
    let error = client.generate(&Generate::new(&dii)).await.unwrap_err();
    assert_eq!(transport_kind(&error), TransportErrorKind::Reset);
    assert_eq!(error.attempts(), 3);
    let error = client.logout(&Logout::new(&dii)).await.unwrap_err();
    assert_eq!(transport_kind(&error), TransportErrorKind::Reset);
    assert!(error.transport().unwrap().may_have_arrived());
    assert_eq!(error.attempts(), 1);
}
