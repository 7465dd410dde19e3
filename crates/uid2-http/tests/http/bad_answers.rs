//! Answers that are not what they should be, and configuration that cannot be.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use parking_lot::Mutex;
use uid2_core::envelope::EnvelopeError;
use uid2_core::operation::{self, Action, Caller, Generate, RefusalKind};
use uid2_http::{Client, ErrorKind};

use crate::support::{
    API_KEY, OTHER_SECRET, Seen, Server, TestRuntime, client, dii, envelope_response, good,
    identity, policy, refusal, seal_with, sealed, sealed_at, success, transport,
};

type Answer = Response<Bytes>;

/// One call of generate against one kind of answer, and how often it was tried.
async fn generate(answer: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> uid2_http::Error {
    let server = Server::start(answer).await;
    let client = client(server.base_url(), &TestRuntime::new());
    let error = client.generate(&Generate::new(&dii())).await.unwrap_err();
    assert_eq!(
        usize::try_from(error.attempts()).unwrap(),
        server.seen().len()
    );
    error
}

#[track_caller]
fn cause(error: &uid2_http::Error) -> operation::Error {
    match error.kind() {
        ErrorKind::Operation(error) => error.clone(),
        other => panic!("{other:?}"),
    }
}

fn page(status: u16) -> Answer {
    Response::builder()
        .status(status)
        .header("content-type", "text/html")
        .body(Bytes::from_static(
            b"<html><body>Please sign in</body></html>",
        ))
        .unwrap()
}

#[tokio::test]
async fn a_web_page_is_no_operator() {
    for status in [200, 418] {
        let error = generate(move |_| page(status)).await;
        let expected = operation::Error::NotAnOperator {
            http_status: status,
        };
        assert_eq!(cause(&error), expected);
        assert_eq!(error.action(), Action::FixConfiguration);
        assert_eq!(error.attempts(), 1);
    }
    // Trouble in front of the operator passes.
    let error = generate(|_| page(502)).await;
    assert_eq!(error.refusal().unwrap().kind(), RefusalKind::Unavailable);
    assert_eq!(error.attempts(), 3);
}

#[tokio::test]
async fn json_that_is_not_sealed_is_refused() {
    let error = generate(|_| refusal(200, r#"{"status":"optout"}"#)).await;
    assert_eq!(cause(&error), operation::Error::NotSealed);
    assert_eq!(error.action(), Action::FixConfiguration);
    assert_eq!(error.attempts(), 1);
}

#[tokio::test]
async fn an_empty_answer_is_refused() {
    let error = generate(|_| Response::new(Bytes::new())).await;
    assert!(matches!(cause(&error), operation::Error::Envelope(_)));
    assert_eq!(error.attempts(), 3);
}

#[tokio::test]
async fn a_truncated_answer_is_refused_and_asked_for_again() {
    let error = generate(|seen| {
        let whole = sealed(seen, &success(0)).into_body();
        envelope_response(whole[..whole.len() - 4].to_vec())
    })
    .await;
    let expected = operation::Error::Envelope(EnvelopeError::Decrypt);
    assert_eq!(cause(&error), expected);
    assert_eq!((error.action(), error.attempts()), (Action::Retry, 3));
}

#[tokio::test]
async fn a_corrupted_answer_is_refused_and_asked_for_again() {
    let server = Server::start(|seen| {
        let mut body = sealed(seen, &success(0)).into_body().to_vec();
        if seen.number == 0 {
            let middle = body.len() / 2;
            body[middle] = if body[middle] == b'A' { b'B' } else { b'A' };
        }
        envelope_response(body)
    })
    .await;
    let client = client(server.base_url(), &TestRuntime::new());
    client.generate(&Generate::new(&dii())).await.unwrap();
    assert_eq!(server.seen().len(), 2);
}

/// A good answer to the call before, sent once more.
#[tokio::test]
async fn a_replayed_answer_is_refused() {
    let first = Arc::new(Mutex::new(None::<Answer>));
    let server = Server::start(move |seen| {
        let mut first = first.lock();
        first.get_or_insert_with(|| good(seen)).clone()
    })
    .await;
    let client = client(server.base_url(), &TestRuntime::new());
    client.generate(&Generate::new(&dii())).await.unwrap();
    let error = client.generate(&Generate::new(&dii())).await.unwrap_err();
    let expected = operation::Error::Envelope(EnvelopeError::NonceMismatch);
    assert_eq!(cause(&error), expected);
    assert_eq!(error.attempts(), 3);
}

#[tokio::test]
async fn an_answer_under_another_secret_is_refused() {
    let error = generate(|seen| {
        let opened = seen.opened();
        let body = seal_with(
            OTHER_SECRET,
            &success(0),
            opened.timestamp(),
            opened.nonce(),
        );
        envelope_response(body)
    })
    .await;
    assert_eq!(
        cause(&error),
        operation::Error::Envelope(EnvelopeError::Decrypt)
    );
}

#[tokio::test]
async fn a_refresh_answer_under_another_key_is_refused() {
    let server = Server::start(|_| envelope_response(vec![b'A'; 400])).await;
    let client = client(server.base_url(), &TestRuntime::new());
    let error = client.refresh(&identity()).await.unwrap_err();
    assert_eq!(
        cause(&error),
        operation::Error::Envelope(EnvelopeError::Decrypt)
    );
}

/// The operator finds the key by the API key, so a wrong secret is a 400.
#[tokio::test]
async fn a_wrong_secret_is_told_from_a_wrong_key() {
    const MESSAGE: &str = r#"{"status":"client_error","message":"Invalid body: Check encryption key (ClientSecret). See https://unifiedid.com/docs/getting-started/gs-encryption-decryption for encryption and decryption code examples."}"#;
    let server = Server::start(|seen| {
        let secret = crate::support::CLIENT_SECRET.parse().unwrap();
        let encoding = uid2_core::envelope::Encoding::Text;
        uid2_core::envelope::open_request(&secret, &seen.body, encoding).unwrap_err();
        refusal(400, MESSAGE)
    })
    .await;
    let caller = Caller::new(API_KEY.parse().unwrap(), OTHER_SECRET.parse().unwrap());
    let client = Client::builder(caller, server.base_url())
        .retry(policy())
        .build_on(transport(), TestRuntime::new());
    let error = client.generate(&Generate::new(&dii())).await.unwrap_err();
    assert_eq!(error.refusal().unwrap().kind(), RefusalKind::WrongSecret);
    assert_eq!(error.action(), Action::FixConfiguration);
    assert_eq!(server.seen().len(), 1);

    let error = generate(|_| refusal(401, r#"{"status":"unauthorized"}"#)).await;
    assert_eq!(error.refusal().unwrap().kind(), RefusalKind::Unauthorized);
    assert_eq!(error.status(), Some("unauthorized"));
}

/// The clock in hand says 2023-11-14T22:13:20Z.
#[tokio::test]
async fn a_refused_clock_is_told_by_how_much_it_is_off() {
    let error = generate(|_| {
        let message = r#"{"status":"client_error","message":"Invalid timestamp: Request too old or client time drift."}"#;
        let mut response = refusal(400, message);
        let date = "Tue, 14 Nov 2023 22:18:20 GMT".parse().unwrap();
        response.headers_mut().insert("date", date);
        response
    })
    .await;
    assert_eq!(error.refusal().unwrap().kind(), RefusalKind::ClockDrift);
    assert_eq!(error.action(), Action::FixConfiguration);
    assert_eq!(error.attempts(), 1);
    let skew = error.clock_skew().unwrap();
    assert_eq!(skew.server_ahead_millis(), 300_000);
    let text = error.to_string();
    assert!(text.contains("300.000 s behind the server's"), "{text}");
}

#[tokio::test]
async fn a_clock_that_is_off_is_told_with_a_good_answer() {
    let server = Server::start(|seen| {
        let ahead = Duration::from_secs(if seen.number == 0 { 90 } else { 1 });
        sealed_at(
            seen,
            &success(0),
            seen.opened().timestamp().saturating_add(ahead),
        )
    })
    .await;
    let client = client(server.base_url(), &TestRuntime::new());
    let reply = client.generate(&Generate::new(&dii())).await.unwrap();
    assert_eq!(reply.skew.unwrap().server_ahead_millis(), 90_000);
    let reply = client.generate(&Generate::new(&dii())).await.unwrap();
    assert_eq!(reply.skew, None);
}

#[tokio::test]
async fn a_success_that_is_none_is_refused() {
    let error = generate(|seen| sealed(seen, r#"{"status":"success"}"#)).await;
    assert_eq!(cause(&error), operation::Error::NoBody);
    assert_eq!((error.action(), error.attempts()), (Action::Upgrade, 1));
    let error = generate(|seen| sealed(seen, "not json")).await;
    assert!(matches!(cause(&error), operation::Error::NotJson { .. }));
}

/// A base URL that passes as one but is none to the HTTP library.
#[tokio::test]
async fn a_base_url_that_cannot_be_sent_to_is_told() {
    let base: uid2_core::BaseUrl = "https://operator.example/a<b>".parse().unwrap();
    let client = client(base, &TestRuntime::new());
    let error = client.generate(&Generate::new(&dii())).await.unwrap_err();
    let kind = crate::support::transport_kind(&error);
    assert_eq!(kind, uid2_http::TransportErrorKind::InvalidRequest);
    assert_eq!(error.action(), Action::FixConfiguration);
    assert_eq!(error.attempts(), 1);
}
