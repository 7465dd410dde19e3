//! What is tried again, when, and what is not.

use std::time::Duration;

use bytes::Bytes;
use http::Response;
use tokio::io::AsyncWriteExt;
use uid2_core::operation::{Action, Generate, Logout, LogoutOutcome, RefusalKind, Validate};
use uid2_http::{Client, RetryPolicy, TransportErrorKind};

use crate::support::{
    NEVER, RawServer, Server, TestRuntime, bare, caller, client, dii, good, identity, policy,
    read_request, refusal, transport, transport_kind,
};

/// The default policy's bound of the first pause.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// Answers a status with headers once, and well ever after.
async fn once(status: u16, headers: &'static [(&str, &str)]) -> Server {
    Server::start(move |seen| {
        if seen.number > 0 {
            return good(seen);
        }
        let builder = Response::builder().status(status);
        let builder = headers.iter().fold(builder, |builder, (name, value)| {
            builder.header(*name, *value)
        });
        builder.body(Bytes::new()).unwrap()
    })
    .await
}

/// The pauses of a call that succeeds at the second attempt.
async fn pause_after(status: u16, headers: &'static [(&str, &str)]) -> Duration {
    let server = once(status, headers).await;
    let runtime = TestRuntime::new();
    let client = client(server.base_url(), &runtime);
    client.generate(&Generate::new(&dii())).await.unwrap();
    assert_eq!(server.seen().len(), 2);
    let slept = runtime.slept();
    assert_eq!(slept.len(), 1);
    slept[0]
}

#[track_caller]
fn assert_about(pause: Duration, asked: Duration) {
    let range = asked..=asked + FIRST_PAUSE;
    assert!(range.contains(&pause), "{pause:?} is not in {range:?}");
}

#[tokio::test]
async fn retry_after_in_seconds_is_kept() {
    for status in [429, 503] {
        let pause = pause_after(status, &[("retry-after", "3")]).await;
        assert_about(pause, Duration::from_secs(3));
    }
}

/// The clock in hand says 2023-11-14T22:13:20Z.
#[tokio::test]
async fn retry_after_as_a_date_is_kept() {
    for status in [429, 503] {
        let headers = &[("retry-after", "Tue, 14 Nov 2023 22:13:24 GMT")];
        let pause = pause_after(status, headers).await;
        assert_about(pause, Duration::from_secs(4));
    }
}

/// The clocks need not agree for that, if the server tells what its own says.
#[tokio::test]
async fn retry_after_as_a_date_is_by_the_servers_clock() {
    let headers = &[
        ("date", "Mon, 01 Jan 2024 00:00:00 GMT"),
        ("retry-after", "Mon, 01 Jan 2024 00:00:02 GMT"),
    ];
    let pause = pause_after(503, headers).await;
    assert_about(pause, Duration::from_secs(2));
}

#[tokio::test]
async fn retry_after_that_makes_no_sense_is_ignored() {
    for value in ["", "-1", "soon", "3.5", "Tue, 14 Nov 1995 22:13:24 GMT"] {
        let headers: &'static [(&str, &str)] = vec![("retry-after", value)].leak();
        assert_about(pause_after(503, headers).await, Duration::ZERO);
    }
}

/// A call does not wait for minutes: whoever called is told for how long not to
/// come back.
#[tokio::test]
async fn a_long_retry_after_is_handed_on() {
    for (value, secs) in [("600", 600), ("99999999999999999999999", u64::MAX)] {
        let headers: &'static [(&str, &str)] = vec![("retry-after", value)].leak();
        let server = once(429, headers).await;
        let runtime = TestRuntime::new();
        let client = client(server.base_url(), &runtime);
        let error = client.generate(&Generate::new(&dii())).await.unwrap_err();
        assert_eq!(error.retry_after(), Some(Duration::from_secs(secs)));
        assert_eq!(error.action(), Action::Retry);
        assert_eq!(error.refusal().unwrap().kind(), RefusalKind::RateLimited);
        assert_eq!(server.seen().len(), 1);
        assert!(runtime.slept().is_empty());
    }
}

#[tokio::test]
async fn attempts_are_counted_and_pauses_grow_at_random() {
    let server = Server::start(|_| bare(502)).await;
    let runtime = TestRuntime::new();
    let client = Client::builder(caller(), server.base_url())
        .retry(policy().with_max_attempts(8))
        .build_on(transport(), runtime.clone());
    let error = client.refresh(&identity()).await.unwrap_err();
    assert_eq!(error.attempts(), 8);
    assert_eq!(error.http_status(), Some(502));
    assert_eq!(error.refusal().unwrap().kind(), RefusalKind::Unavailable);
    assert_eq!(server.seen().len(), 8);
    let slept = runtime.slept();
    assert_eq!(slept.len(), 7);
    for (attempt, pause) in (0_u32..).zip(&slept) {
        let bound = FIRST_PAUSE * 2_u32.pow(attempt);
        assert!(*pause <= bound.min(Duration::from_secs(2)), "{slept:?}");
    }
    let different: std::collections::HashSet<_> = slept.iter().collect();
    assert_eq!(different.len(), 7, "no jitter: {slept:?}");
}

/// A sealed request is good for two minutes and one use.
#[tokio::test]
async fn every_attempt_is_sealed_afresh() {
    let server = Server::start(|seen| match seen.number {
        0 => bare(503),
        1 => bare(500),
        _ => good(seen),
    })
    .await;
    let runtime = TestRuntime::new();
    let client = client(server.base_url(), &runtime);
    client.generate(&Generate::new(&dii())).await.unwrap();
    let seen = server.seen();
    assert_eq!(seen.len(), 3);
    let opened: Vec<_> = seen.iter().map(|seen| seen.opened()).collect();
    for (a, b) in [(0, 1), (0, 2), (1, 2)] {
        assert_ne!(seen[a].body, seen[b].body);
        assert!(
            opened[a].nonce() != opened[b].nonce(),
            "a nonce was used twice"
        );
        assert_ne!(iv(&seen[a].body), iv(&seen[b].body), "an IV was used twice");
        assert_eq!(opened[a].payload(), opened[b].payload());
    }
    // The clock in hand runs by what is slept.
    let slept = runtime.slept();
    let sealed_after = opened[2]
        .timestamp()
        .saturating_since(opened[0].timestamp());
    let total: Duration = slept.iter().sum();
    assert!(sealed_after.abs_diff(total) < Duration::from_millis(3));
}

/// The 12 bytes after the version are the first 16 characters, near enough.
fn iv(body: &[u8]) -> &[u8] {
    &body[..16]
}

#[tokio::test]
async fn a_reset_in_the_middle_of_a_response_is_tried_again() {
    let beginnings: [&[u8]; 4] = [
        b"",
        b"HTTP/1.1 200 OK\r\ncontent-le",
        b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nAAAA",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nAAAA\r\n",
    ];
    for beginning in beginnings {
        let server = RawServer::start(move |mut tcp, _| async move {
            read_request(&mut tcp).await;
            tcp.write_all(beginning).await.unwrap();
            tcp.flush().await.unwrap();
            // With bytes unread, or this, closing is a reset.
            tcp.set_zero_linger().unwrap();
        })
        .await;
        let runtime = TestRuntime::new();
        let client = client(server.base_url(), &runtime);
        let error = client.generate(&Generate::new(&dii())).await.unwrap_err();
        assert_eq!(
            transport_kind(&error),
            TransportErrorKind::Reset,
            "{error:?}"
        );
        assert!(error.transport().unwrap().may_have_arrived());
        assert_eq!(error.attempts(), 3);
        assert_eq!(server.connections(), 3);
    }
}

/// The same broken off once, and then well.
#[tokio::test]
async fn a_call_survives_a_reset() {
    let good_server = Server::start(good).await;
    let address = good_server.address();
    let server = RawServer::start(move |mut tcp, number| async move {
        if number == 0 {
            read_request(&mut tcp).await;
            tcp.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nA")
                .await
                .unwrap();
        } else {
            let mut upstream = tokio::net::TcpStream::connect(address).await.unwrap();
            let _ = tokio::io::copy_bidirectional(&mut tcp, &mut upstream).await;
        }
    })
    .await;
    let client = client(server.base_url(), &TestRuntime::new());
    client.generate(&Generate::new(&dii())).await.unwrap();
    assert_eq!(good_server.seen().len(), 1);
}

/// What a server says about the request itself will be the same next time.
#[tokio::test]
async fn refusals_for_good_are_not_tried_again() {
    const SECRET: &str = r#"{"status":"client_error","message":"Invalid body: Check encryption key (ClientSecret). See x"}"#;
    const BODY: &str = r#"{"status":"client_error","message":"Invalid body: Body is missing."}"#;
    let cases = [
        (
            401,
            r#"{"status":"unauthorized"}"#,
            RefusalKind::Unauthorized,
        ),
        (400, SECRET, RefusalKind::WrongSecret),
        (400, BODY, RefusalKind::MalformedRequest),
        (
            400,
            r#"{"status":"client_error","message":"Invalid Identifier"}"#,
            RefusalKind::InvalidIdentifier,
        ),
        (404, "", RefusalKind::NotFound),
        (413, "Request Too Long", RefusalKind::TooLarge),
    ];
    for (http_status, body, kind) in cases {
        let server = Server::start(move |_| refusal(http_status, body)).await;
        let runtime = TestRuntime::new();
        let client = client(server.base_url(), &runtime);
        let error = client.generate(&Generate::new(&dii())).await.unwrap_err();
        assert_eq!(error.refusal().unwrap().kind(), kind);
        assert_eq!(error.http_status(), Some(http_status));
        assert_eq!(error.attempts(), 1);
        assert_eq!(server.seen().len(), 1);
        assert!(runtime.slept().is_empty());
    }
}

#[tokio::test]
async fn a_refusal_tells_status_and_message() {
    let server = Server::start(|_| {
        refusal(
            400,
            r#"{"status":"invalid_token","message":"Invalid Token presented"}"#,
        )
    })
    .await;
    let client = client(server.base_url(), &TestRuntime::new());
    let error = client.refresh(&identity()).await.unwrap_err();
    assert_eq!(error.status(), Some("invalid_token"));
    assert_eq!(error.message(), Some("Invalid Token presented"));
    assert_eq!(error.action(), Action::SignInAgain);
    assert_eq!(error.operation(), "token/refresh");
    assert_eq!(error.base_url(), &server.base_url());
}

/// A logout that may have been done is not done again behind the caller's back.
#[tokio::test]
async fn a_logout_is_repeated_only_when_it_was_not_done() {
    let dii = dii();
    let logout = Logout::new(&dii);
    for status in [500, 503] {
        let server = once(status, &[]).await;
        let client = client(server.base_url(), &TestRuntime::new());
        let error = client.logout(&logout).await.unwrap_err();
        assert_eq!(error.http_status(), Some(status));
        assert_eq!(server.seen().len(), 1);
        // The caller may.
        assert_eq!(error.action(), Action::Retry);
        let reply = client.logout(&logout).await.unwrap();
        assert_eq!(reply.outcome, LogoutOutcome::OptedOut);
    }

    let server = once(429, &[]).await;
    client(server.base_url(), &TestRuntime::new())
        .logout(&logout)
        .await
        .unwrap();
    assert_eq!(server.seen().len(), 2, "a 429 was not done");

    let broken = RawServer::start(|mut tcp, _| async move {
        read_request(&mut tcp).await;
    })
    .await;
    let client = client(broken.base_url(), &TestRuntime::new());
    let error = client.logout(&logout).await.unwrap_err();
    assert_eq!(transport_kind(&error), TransportErrorKind::Reset);
    assert_eq!(broken.connections(), 1);
}

#[tokio::test]
async fn without_a_connection_everything_is_repeated() {
    // A port that was free a moment ago.
    let address = RawServer::start(|_, _| async {}).await.address();
    let base: uid2_core::BaseUrl = format!("http://{address}").parse().unwrap();
    let dii = dii();
    let client = client(base, &TestRuntime::new());
    for error in [
        client.logout(&Logout::new(&dii)).await.unwrap_err(),
        client.generate(&Generate::new(&dii)).await.unwrap_err(),
        client
            .validate(&Validate::new("t", &dii))
            .await
            .unwrap_err(),
    ] {
        assert_eq!(transport_kind(&error), TransportErrorKind::Connect);
        assert!(!error.transport().unwrap().may_have_arrived());
        assert_eq!(error.attempts(), 3);
    }
}

/// The deadline is for all attempts and pauses: what does not fit is not begun.
#[tokio::test]
async fn a_pause_that_outlives_the_deadline_is_not_begun() {
    let server = once(503, &[("retry-after", "5")]).await;
    let runtime = TestRuntime::new();
    // On the clock in hand every sleep below NEVER ends at once, so the
    // deadline must be long; the time that is already gone does the same.
    let slow = runtime.clone();
    let transport = transport();
    let client = Client::builder(caller(), server.base_url())
        .retry(RetryPolicy::default().with_deadline(NEVER))
        .build_on(
            move |request| {
                let (slow, transport) = (slow.clone(), transport.clone());
                async move {
                    slow.advance(NEVER - Duration::from_secs(4));
                    uid2_http::Transport::send(&transport, request).await
                }
            },
            runtime.clone(),
        );
    let error = client.generate(&Generate::new(&dii())).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(5)));
    assert_eq!(error.attempts(), 1);
    assert!(runtime.slept().is_empty());
}

#[tokio::test]
async fn never_means_once() {
    let server = once(503, &[]).await;
    let client = Client::builder(caller(), server.base_url())
        .retry(RetryPolicy::never().with_deadline(NEVER))
        .build_on(transport(), TestRuntime::new());
    client.generate(&Generate::new(&dii())).await.unwrap_err();
    assert_eq!(server.seen().len(), 1);
}
