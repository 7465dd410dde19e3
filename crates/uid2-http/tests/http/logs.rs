//! What is logged, by us and by what we use, tells nothing it should not.

use std::io::Write;
use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use parking_lot::Mutex;
use tokio::io::AsyncWriteExt;
use tracing::level_filters::LevelFilter;
use uid2_core::operation::{Generate, Logout, Validate};
use uid2_core::{BaseUrl, EmailHash};
use uid2_http::{Client, HyperTransport};

use crate::support::{
    ADVERTISING_TOKEN, API_KEY, Authority, CLIENT_SECRET, EMAIL, REFRESH_TOKEN, RESPONSE_KEY,
    RawServer, Seen, Server, TestRuntime, caller, dii, good, identity, policy, read_request,
};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Everything that this process logs from now on, at every level: what the other
/// tests do counts too, for they use the same credentials and the same person.
/// (A subscriber of one thread would miss events whose call site another thread
/// came by first.)
fn record() -> Log {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    log
}

/// What must not be seen, in the forms in which it could be.
fn secrets() -> Vec<String> {
    let hash = dii().hash_bytes();
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    let base64 = EmailHash::of(EMAIL).unwrap().to_base64();
    [
        API_KEY,
        // Its random part, lest it be shown cut up.
        &API_KEY[14..],
        CLIENT_SECRET,
        RESPONSE_KEY,
        ADVERTISING_TOKEN,
        REFRESH_TOKEN,
        EMAIL,
        PROXY_PASSWORD,
        "amFuZTpzM2NyM3Q", // jane:s3cr3t
        &hex,
        base64.as_str(),
    ]
    .map(str::to_owned)
    .into()
}

const PROXY_PASSWORD: &str = "s3cr3t";

/// Every call once, over `transport`; what fails is told by its error.
async fn call_all(transport: HyperTransport, base: BaseUrl) -> Vec<String> {
    let client = Client::builder(caller(), base.clone())
        .fallback(base)
        .retry(policy())
        .build_on(transport, TestRuntime::new());
    let (dii, identity) = (dii(), identity());
    let generate = Generate::new(&dii).sending_raw_dii();
    let validate = Validate::new(ADVERTISING_TOKEN, &dii);
    let errors = [
        client.generate(&generate).await.err(),
        client.refresh(&identity).await.err(),
        client.validate(&validate).await.err(),
        client.logout(&Logout::new(&dii)).await.err(),
    ];
    let told = errors.iter().flatten().map(|error| {
        let mut text = format!("{error} {error:?} {client:?}");
        let mut cause = std::error::Error::source(error);
        while let Some(error) = cause {
            text += &format!(" {error} {error:?}");
            cause = error.source();
        }
        text
    });
    told.collect()
}

/// An answer that repeats what was sent, as a talkative front end might.
fn echo(seen: &Seen) -> Response<Bytes> {
    let body = String::from_utf8_lossy(&seen.body).into_owned();
    let key = seen.header("authorization").unwrap_or_default();
    let json = format!(
        r#"{{"status":"client_error","message":"bad: {body} {EMAIL} for {key} of {REFRESH_TOKEN}"}}"#
    );
    let status = [400, 401, 500][seen.number % 3];
    Response::builder()
        .status(status)
        .header("x-echo", key)
        .body(json.into())
        .unwrap()
}

#[tokio::test]
async fn nothing_secret_or_personal_is_logged() {
    let log = record();
    let authority = Authority::new();
    let h2 = authority.server("localhost", &["h2"]);
    let h1 = authority.server("localhost", &["http/1.1"]);
    let resetting = RawServer::start(|mut tcp, _| async move {
        read_request(&mut tcp).await;
        tcp.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n")
            .await
            .unwrap();
    })
    .await;
    let servers = [
        Server::start(good).await,
        Server::start(echo).await,
        Server::start_tls(h2, good).await,
        Server::start_tls(h1, echo).await,
    ];
    let mut bases: Vec<_> = servers
        .iter()
        .map(|server| server.base_url_as("localhost"))
        .collect();
    bases.push(resetting.base_url());
    let mut told = Vec::new();
    for base in bases {
        let builder = HyperTransport::builder()
            .only_added_roots()
            .add_root_pem(authority.pem().as_bytes())
            .unwrap();
        let proxied = HyperTransport::builder()
            .proxy(&format!(
                "http://jane:{PROXY_PASSWORD}@{}",
                resetting.address()
            ))
            .unwrap();
        told.push(format!("{builder:?} {proxied:?}"));
        let direct = builder.no_proxy().build().unwrap();
        told.extend(call_all(direct, base.clone()).await);
        told.extend(call_all(proxied.build().unwrap(), base).await);
    }

    let logged = String::from_utf8(log.0.lock().clone()).unwrap();
    // Lest an empty log pass: what must be there, ours and others'.
    for expected in [
        "uid2.call{operation=\"token/generate\"}",
        "attempt failed",
        "answered",
        "going on with another base URL",
        "hyper_util",
        "h2::",
    ] {
        assert!(logged.contains(expected), "not logged: {expected}");
    }
    assert!(told.len() > 20, "errors there must be: {}", told.len());
    for text in told.iter().chain([&logged]) {
        for secret in secrets() {
            if let Some(at) = text.find(&secret) {
                let from = text.floor_char_boundary(at.saturating_sub(200));
                let to = text.floor_char_boundary(at + 100);
                panic!("{secret} is told: {}", &text[from..to]);
            }
        }
    }
}
