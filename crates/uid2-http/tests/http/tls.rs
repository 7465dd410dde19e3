//! Whom we talk to.

use http::Version;
use rcgen::{CertificateParams, date_time_ymd};
use tokio::io::AsyncWriteExt;
use uid2_core::BaseUrl;
use uid2_core::operation::{Action, Generate};
use uid2_http::hyper::HyperTransportBuilder;
use uid2_http::{Client, HyperTransport, TransportErrorKind};

use crate::support::{
    Authority, RawServer, Server, TestRuntime, caller, client, dii, good, policy, transport_kind,
};

fn trusting(authority: &Authority) -> HyperTransportBuilder {
    HyperTransport::builder()
        .no_proxy()
        .only_added_roots()
        .add_root_pem(authority.pem().as_bytes())
        .unwrap()
}

fn over(transport: HyperTransport, base: BaseUrl) -> Client<HyperTransport, TestRuntime> {
    Client::builder(caller(), base)
        .retry(policy())
        .build_on(transport, TestRuntime::new())
}

/// An untrusted server gets nothing of the request, and is not asked again.
#[track_caller]
fn assert_untrusted(error: &uid2_http::Error, server: &Server) {
    assert_eq!(transport_kind(error), TransportErrorKind::Certificate);
    assert_eq!(error.action(), Action::FixConfiguration);
    assert!(!error.transport().unwrap().may_have_arrived());
    assert_eq!(error.attempts(), 1);
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_private_root_is_trusted_when_added() {
    let authority = Authority::new();
    for name in ["localhost", "127.0.0.1"] {
        let server = Server::start_tls(authority.server(name, &["http/1.1"]), good).await;
        let transport = trusting(&authority).build().unwrap();
        let client = over(transport, server.base_url_as(name));
        client.generate(&Generate::new(&dii())).await.unwrap();
        assert_eq!(server.seen()[0].version, Version::HTTP_11);
    }
}

#[tokio::test]
async fn a_private_root_is_trusted_beside_those_of_the_system() {
    let authority = Authority::new();
    let server = Server::start_tls(authority.server("localhost", &[]), good).await;
    let transport = HyperTransport::builder()
        .no_proxy()
        .add_root_pem(authority.pem().as_bytes())
        .unwrap()
        .build()
        .unwrap();
    let client = over(transport, server.base_url_as("localhost"));
    client.generate(&Generate::new(&dii())).await.unwrap();
}

#[tokio::test]
async fn an_unknown_authority_is_refused() {
    let server = Server::start_tls(Authority::new().server("localhost", &[]), good).await;
    let base = server.base_url_as("localhost");
    for transport in [
        trusting(&Authority::new()).build().unwrap(),
        HyperTransport::builder().no_proxy().build().unwrap(),
    ] {
        let client = over(transport, base.clone());
        let error = client.generate(&Generate::new(&dii())).await.unwrap_err();
        assert_untrusted(&error, &server);
    }
}

#[tokio::test]
async fn another_name_is_refused() {
    let authority = Authority::new();
    let server = Server::start_tls(authority.server("operator.example", &[]), good).await;
    let transport = trusting(&authority).build().unwrap();
    let client = over(transport, server.base_url_as("localhost"));
    let error = client.generate(&Generate::new(&dii())).await.unwrap_err();
    assert_untrusted(&error, &server);
}

#[tokio::test]
async fn an_expired_certificate_is_refused() {
    let authority = Authority::new();
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2021, 1, 1);
    let server = Server::start_tls(authority.certified(&params, &[]), good).await;
    let transport = trusting(&authority).build().unwrap();
    let client = over(transport, server.base_url_as("localhost"));
    let error = client.generate(&Generate::new(&dii())).await.unwrap_err();
    assert_untrusted(&error, &server);
}

#[tokio::test]
async fn http2_is_spoken_when_the_server_does() {
    let authority = Authority::new();
    let cases = [
        (&["h2", "http/1.1"][..], true, Version::HTTP_2),
        (&["h2", "http/1.1"][..], false, Version::HTTP_11),
        (&["http/1.1"][..], true, Version::HTTP_11),
        (&[][..], true, Version::HTTP_11),
    ];
    for (protocols, http2, expected) in cases {
        let server = Server::start_tls(authority.server("localhost", protocols), good).await;
        let mut builder = trusting(&authority);
        if !http2 {
            builder = builder.http1_only();
        }
        let client = over(builder.build().unwrap(), server.base_url_as("localhost"));
        client.generate(&Generate::new(&dii())).await.unwrap();
        let seen = server.seen();
        assert_eq!(seen[0].version, expected, "{protocols:?}, offered: {http2}");
    }
}

#[tokio::test]
async fn a_port_that_does_not_speak_tls_is_told() {
    let server = RawServer::start(|mut tcp, _| async move {
        let _ = tcp
            .write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
            .await;
    })
    .await;
    let base = format!("https://{}", server.address()).parse().unwrap();
    let client = over(trusting(&Authority::new()).build().unwrap(), base);
    let error = client.generate(&Generate::new(&dii())).await.unwrap_err();
    assert_eq!(transport_kind(&error), TransportErrorKind::Tls);
    assert_eq!(error.action(), Action::FixConfiguration);
}

#[tokio::test]
async fn a_port_that_does_not_speak_http_is_told() {
    let server = RawServer::start(|mut tcp, _| async move {
        crate::support::read_request(&mut tcp).await;
        let _ = tcp.write_all(b"220 mail.example ESMTP\r\n").await;
    })
    .await;
    let client = client(server.base_url(), &TestRuntime::new());
    let error = client.generate(&Generate::new(&dii())).await.unwrap_err();
    assert_eq!(
        transport_kind(&error),
        TransportErrorKind::NotHttp,
        "{error:?}"
    );
}

#[test]
fn roots_that_are_none_are_told() {
    let cases: [&[u8]; 3] = [
        b"",
        b"not a certificate",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ];
    for pem in cases {
        let error = HyperTransport::builder()
            .only_added_roots()
            .add_root_pem(pem)
            .and_then(HyperTransportBuilder::build)
            .unwrap_err();
        assert!(error.to_string().contains("PEM"), "{error}");
    }
}

/// `0.0.0.0` leads to this machine, but is not one of its own addresses.
#[tokio::test]
async fn plain_http_goes_to_this_machine_only() {
    let server = Server::start(good).await;
    let port = server.address().port();
    let url = format!("http://0.0.0.0:{port}");
    BaseUrl::parse(&url).unwrap_err();
    let base = BaseUrl::parse_allowing_insecure(&url).unwrap();
    let strict = over(crate::support::transport(), base.clone());
    let error = strict.generate(&Generate::new(&dii())).await.unwrap_err();
    assert_eq!(transport_kind(&error), TransportErrorKind::Insecure);
    assert_eq!(error.action(), Action::FixConfiguration);
    assert_eq!(server.connections(), 0);

    let lax = HyperTransport::builder()
        .no_proxy()
        .only_added_roots()
        .allow_insecure()
        .build()
        .unwrap();
    over(lax, base)
        .generate(&Generate::new(&dii()))
        .await
        .unwrap();
    assert_eq!(server.seen().len(), 1);
}
