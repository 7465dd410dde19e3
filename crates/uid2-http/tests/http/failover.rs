//! From one base URL to the next, and back.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http::header::RETRY_AFTER;
use uid2_core::BaseUrl;
use uid2_core::operation::{Action, Generate, Logout};
use uid2_http::{Client, ErrorKind, HyperTransport, TransportErrorKind};

use crate::support::{
    Authority, RawServer, Seen, Server, TestRuntime, bare, caller, dii, good, policy, read_request,
    transport, transport_kind,
};

const COOL_DOWN: Duration = Duration::from_secs(30);

fn client_of(urls: &[BaseUrl], runtime: &TestRuntime) -> Client<HyperTransport, TestRuntime> {
    let mut builder = Client::builder(caller(), urls[0].clone())
        .retry(policy())
        .cool_down(COOL_DOWN);
    for url in &urls[1..] {
        builder = builder.fallback(url.clone());
    }
    builder.build_on(transport(), runtime.clone())
}

/// A server whose answer can be changed: 200 is a good one.
async fn switched() -> (Server, Arc<AtomicU16>) {
    let status = Arc::new(AtomicU16::new(200));
    let switch = Arc::clone(&status);
    let server = Server::start(move |seen| answer(seen, status.load(Ordering::SeqCst))).await;
    (server, switch)
}

fn answer(seen: &Seen, status: u16) -> Response<Bytes> {
    if status == 200 {
        good(seen)
    } else {
        bare(status)
    }
}

/// A base URL where nobody listens.
async fn nobody() -> BaseUrl {
    RawServer::start(|_, _| async {}).await.base_url()
}

#[tokio::test]
async fn to_the_next_at_once_and_back_after_the_cool_down() {
    let (primary, switch) = switched().await;
    let fallback = Server::start(good).await;
    let runtime = TestRuntime::new();
    let client = client_of(&[primary.base_url(), fallback.base_url()], &runtime);
    let dii = dii();
    let generate = Generate::new(&dii);
    let counts = || (primary.seen().len(), fallback.seen().len());

    client.generate(&generate).await.unwrap();
    assert_eq!(counts(), (1, 0), "the primary comes first");

    switch.store(503, Ordering::SeqCst);
    client.generate(&generate).await.unwrap();
    assert_eq!(counts(), (2, 1));
    assert!(runtime.slept().is_empty(), "going on takes no rest");

    client.generate(&generate).await.unwrap();
    client.generate(&generate).await.unwrap();
    assert_eq!(counts(), (2, 3), "the choice is kept");

    runtime.advance(COOL_DOWN);
    client.generate(&generate).await.unwrap();
    assert_eq!(counts(), (3, 4), "the primary is tried, and still down");
    client.generate(&generate).await.unwrap();
    assert_eq!(counts(), (3, 5), "and left alone again");

    switch.store(200, Ordering::SeqCst);
    runtime.advance(COOL_DOWN);
    client.generate(&generate).await.unwrap();
    client.generate(&generate).await.unwrap();
    assert_eq!(counts(), (5, 5), "back to the primary");
}

#[tokio::test]
async fn a_clock_that_is_set_back_does_not_keep_us_away() {
    let (primary, switch) = switched().await;
    let fallback = Server::start(good).await;
    let runtime = TestRuntime::new();
    let client = client_of(&[primary.base_url(), fallback.base_url()], &runtime);
    switch.store(500, Ordering::SeqCst);
    client.generate(&Generate::new(&dii())).await.unwrap();
    switch.store(200, Ordering::SeqCst);
    runtime.set_back(Duration::from_secs(365 * 86_400));
    client.generate(&Generate::new(&dii())).await.unwrap();
    assert_eq!((primary.seen().len(), fallback.seen().len()), (2, 1));
}

#[tokio::test]
async fn every_failure_of_a_host_leads_on() {
    let page = |status: u16| {
        move |_: &Seen| {
            let page = Bytes::from_static(b"<!DOCTYPE html><html>Sign in to the Wi-Fi</html>");
            Response::builder().status(status).body(page).unwrap()
        }
    };
    let html = Server::start(page(200)).await;
    let missing = Server::start(page(404)).await;
    let moved = Server::start(|_| bare(301)).await;
    let garbage = Server::start(|_| Response::new(Bytes::from_static(b"AAAA"))).await;
    let resetting = RawServer::start(|mut tcp, _| async move {
        read_request(&mut tcp).await;
    })
    .await;
    let untrusted = Server::start_tls(Authority::new().server("127.0.0.1", &[]), good).await;
    let bases = [
        nobody().await,
        html.base_url(),
        missing.base_url(),
        moved.base_url(),
        garbage.base_url(),
        resetting.base_url(),
        untrusted.base_url(),
    ];
    for base in bases {
        let fallback = Server::start(good).await;
        let runtime = TestRuntime::new();
        let client = client_of(&[base.clone(), fallback.base_url()], &runtime);
        let result = client.generate(&Generate::new(&dii())).await;
        assert!(result.is_ok(), "{base}: {result:?}");
        assert_eq!(fallback.seen().len(), 1);
        assert!(runtime.slept().is_empty());
    }
    assert!(untrusted.seen().is_empty());
}

/// Limits are kept for the key: going elsewhere would be evading them.
#[tokio::test]
async fn too_many_requests_are_not_taken_elsewhere() {
    let (primary, switch) = switched().await;
    let fallback = Server::start(good).await;
    let client = client_of(
        &[primary.base_url(), fallback.base_url()],
        &TestRuntime::new(),
    );
    switch.store(429, Ordering::SeqCst);
    let error = client.generate(&Generate::new(&dii())).await.unwrap_err();
    assert_eq!(error.http_status(), Some(429));
    assert_eq!((primary.seen().len(), fallback.seen().len()), (3, 0));
}

/// What one says of the credentials, the other would.
#[tokio::test]
async fn refusals_of_the_operator_are_not_taken_elsewhere() {
    let (primary, switch) = switched().await;
    let fallback = Server::start(good).await;
    let client = client_of(
        &[primary.base_url(), fallback.base_url()],
        &TestRuntime::new(),
    );
    switch.store(401, Ordering::SeqCst);
    let error = client.generate(&Generate::new(&dii())).await.unwrap_err();
    assert_eq!(error.action(), Action::FixConfiguration);
    assert_eq!((primary.seen().len(), fallback.seen().len()), (1, 0));
}

/// A logout goes elsewhere only if the first certainly did not see it; but the
/// next call does not run into the same trouble.
#[tokio::test]
async fn a_logout_that_may_be_done_is_not_taken_elsewhere() {
    let (primary, switch) = switched().await;
    let fallback = Server::start(good).await;
    let client = client_of(
        &[primary.base_url(), fallback.base_url()],
        &TestRuntime::new(),
    );
    let dii = dii();
    switch.store(500, Ordering::SeqCst);
    client.logout(&Logout::new(&dii)).await.unwrap_err();
    assert_eq!((primary.seen().len(), fallback.seen().len()), (1, 0));
    client.logout(&Logout::new(&dii)).await.unwrap();
    assert_eq!((primary.seen().len(), fallback.seen().len()), (1, 1));

    let fallback = Server::start(good).await;
    let client = client_of(&[nobody().await, fallback.base_url()], &TestRuntime::new());
    client.logout(&Logout::new(&dii)).await.unwrap();
    assert_eq!(fallback.seen().len(), 1);
}

/// Once round at once, then with rests; never more than allowed in all.
#[tokio::test]
async fn when_all_are_down_the_attempts_are_shared() {
    let (a, switch_a) = switched().await;
    let (b, switch_b) = switched().await;
    switch_a.store(500, Ordering::SeqCst);
    switch_b.store(502, Ordering::SeqCst);
    let runtime = TestRuntime::new();
    let client = Client::builder(caller(), a.base_url())
        .fallback(b.base_url())
        .retry(policy().with_max_attempts(5))
        .build_on(transport(), runtime.clone());
    let error = client.generate(&Generate::new(&dii())).await.unwrap_err();
    assert_eq!(error.attempts(), 5);
    assert_eq!((a.seen().len(), b.seen().len()), (3, 2));
    assert_eq!(
        runtime.slept().len(),
        3,
        "the first step aside takes no rest"
    );
    assert_eq!(error.base_url(), &a.base_url());
    assert_eq!(error.http_status(), Some(500));
}

/// The deadline of a call may come before any timeout of the transport.
#[tokio::test]
async fn a_host_that_says_nothing_until_the_deadline_is_left() {
    let silent = RawServer::start(|mut tcp, _| async move {
        read_request(&mut tcp).await;
        pending::<()>().await;
    })
    .await;
    let fallback = Server::start(good).await;
    // In real time: that of the tests does not pass by itself.
    let client = Client::builder(caller(), silent.base_url())
        .fallback(fallback.base_url())
        .retry(policy().with_deadline(Duration::from_secs(2)))
        .build(transport());
    let dii = dii();
    let error = client.generate(&Generate::new(&dii)).await.unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Deadline { .. }));
    assert_eq!(error.base_url(), &silent.base_url());
    client.generate(&Generate::new(&dii)).await.unwrap();
    assert_eq!((silent.connections(), fallback.seen().len()), (1, 1));
}

fn asking_for_rest(status: u16, seconds: &'static str) -> impl Fn(&Seen) -> Response<Bytes> {
    move |_| {
        let mut response = bare(status);
        let value = http::HeaderValue::from_static(seconds);
        response.headers_mut().insert(RETRY_AFTER, value);
        response
    }
}

/// That another was asked in between does not make it forgotten.
#[tokio::test]
async fn a_host_that_asks_for_rest_is_given_it() {
    let busy = Server::start(asking_for_rest(503, "3")).await;
    let runtime = TestRuntime::new();
    let client = client_of(&[busy.base_url(), nobody().await], &runtime);
    let error = client.generate(&Generate::new(&dii())).await.unwrap_err();
    // After a short pause the other one again, which has not asked for any.
    assert_eq!((error.attempts(), busy.seen().len()), (3, 1));
    assert_eq!(runtime.slept().len(), 1);
    // Both have failed, so the next call begins with the primary.
    let asked = error.retry_after().unwrap();
    assert!(asked <= Duration::from_secs(3) && asked > Duration::from_secs(2));

    let busy = Server::start(asking_for_rest(503, "600")).await;
    let fallback = Server::start(good).await;
    let runtime = TestRuntime::new();
    let client = client_of(&[busy.base_url(), fallback.base_url()], &runtime);
    for (after, seen) in [(0, 1), (599, 1), (1, 2)] {
        runtime.advance(Duration::from_secs(after));
        client.generate(&Generate::new(&dii())).await.unwrap();
        assert_eq!(busy.seen().len(), seen, "after another {after} s");
    }
}

/// A limit of the key is one at every host.
#[tokio::test]
async fn a_limit_of_the_key_is_waited_for_wherever_the_call_goes_on() {
    let limited = Server::start(asking_for_rest(429, "3")).await;
    let fallback = Server::start(good).await;
    let runtime = TestRuntime::new();
    let client = client_of(&[limited.base_url(), fallback.base_url()], &runtime);
    let error = client.generate(&Generate::new(&dii())).await.unwrap_err();
    assert_eq!((limited.seen().len(), fallback.seen().len()), (3, 0));
    for slept in runtime.slept() {
        assert!(slept >= Duration::from_secs(3), "{slept:?}");
    }
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3)));
}

#[tokio::test]
async fn names_that_do_not_resolve_are_told_apart() {
    let base: BaseUrl = "https://operator.invalid".parse().unwrap();
    let client = client_of(&[base], &TestRuntime::new());
    let error = client.generate(&Generate::new(&dii())).await.unwrap_err();
    assert_eq!(transport_kind(&error), TransportErrorKind::Resolve);
    assert_eq!(error.attempts(), 3);
    assert!(!error.transport().unwrap().may_have_arrived());
}
