//! Connections are kept and shared.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Version};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use uid2_core::operation::{
    Generate, GenerateOutcome, Logout, RefreshOutcome, Validate, ValidateOutcome,
};

use crate::support::{
    API_KEY, Authority, RawServer, Server, TestRuntime, caller, client, dii, good, identity,
    identity_json, policy, read_request, sealed, success,
};
use uid2_core::Identity;
use uid2_http::{Client, HyperTransport, Transport};

#[tokio::test]
async fn one_connection_carries_100_sequential_calls() {
    let server = Server::start(good).await;
    let client = client(server.base_url(), &TestRuntime::new());
    let (dii, identity) = (dii(), identity());
    for round in 0..25 {
        client.generate(&Generate::new(&dii)).await.unwrap();
        client.refresh(&identity).await.unwrap();
        let validate = Validate::new("token", &dii);
        let reply = client.validate(&validate).await.unwrap();
        assert_eq!(reply.outcome, ValidateOutcome::Match, "round {round}");
        client.clone().refresh(&identity).await.unwrap();
    }
    assert_eq!(server.seen().len(), 100);
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_request_is_as_the_protocol_wants_it() {
    let server = Server::start(good).await;
    let client = client(server.base_url(), &TestRuntime::new());
    let reply = client.generate(&Generate::new(&dii())).await.unwrap();
    let expected = Identity::from_json(identity_json(0).as_bytes()).unwrap();
    assert_eq!(reply.outcome, GenerateOutcome::Success(expected));
    let reply = client.refresh(&identity()).await.unwrap();
    let expected = Identity::from_json(identity_json(1).as_bytes()).unwrap();
    assert_eq!(reply.outcome, RefreshOutcome::Success(expected));

    let seen = server.seen();
    assert_eq!(seen[0].path, "/v2/token/generate");
    assert_eq!(seen[1].path, "/v2/token/refresh");
    for request in &seen {
        let bearer = format!("Bearer {API_KEY}");
        assert_eq!(request.header("authorization"), Some(&*bearer));
        assert_eq!(request.header("content-type"), Some("text/plain"));
        let version = request.header("x-uid2-client-version").unwrap();
        assert!(version.starts_with("uid2-rs-"), "{version}");
        assert_eq!(request.header("host"), Some(&*server.address().to_string()));
    }
}

#[tokio::test]
async fn a_path_in_the_base_url_is_kept() {
    let server = Server::start(|seen| {
        assert_eq!(seen.path, "/uid2/v2/token/generate");
        sealed(seen, &success(0))
    })
    .await;
    let base: uid2_core::BaseUrl = format!("{}/uid2/", server.base_url()).parse().unwrap();
    let client = client(base, &TestRuntime::new());
    client.generate(&Generate::new(&dii())).await.unwrap();
}

/// Each answer is tied to its request by the nonce: a mix-up would be refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_concurrent_calls_each_get_their_own_answer() {
    const CALLS: usize = 300;
    let server = Server::start(|seen| sealed(seen, &success(serial_of(seen.number)))).await;
    let client = client(server.base_url(), &TestRuntime::new());
    let calls = (0..CALLS).map(|_| {
        let client = client.clone();
        tokio::spawn(async move {
            match client
                .generate(&Generate::new(&dii()))
                .await
                .unwrap()
                .outcome
            {
                GenerateOutcome::Success(identity) => identity.identity_expires().as_millis(),
                other => panic!("{other:?}"),
            }
        })
    });
    let calls: Vec<_> = calls.collect();
    let mut serials = Vec::new();
    for call in calls {
        serials.push(call.await.unwrap());
    }
    serials.sort_unstable();
    serials.dedup();
    assert_eq!(serials.len(), CALLS, "an answer was given twice");
    assert_eq!(server.seen().len(), CALLS);
}

fn serial_of(number: usize) -> i64 {
    i64::try_from(number).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn http2_carries_concurrent_calls_on_one_connection() {
    const CALLS: usize = 100;
    let authority = Authority::new();
    let config = authority.server("localhost", &["h2", "http/1.1"]);
    let server = Server::start_tls(config, good).await;
    let transport = HyperTransport::builder()
        .no_proxy()
        .only_added_roots()
        .add_root_pem(authority.pem().as_bytes())
        .unwrap()
        .build()
        .unwrap();
    let client = Client::builder(caller(), server.base_url_as("localhost"))
        .retry(policy())
        .build_on(transport, TestRuntime::new());
    // The first makes the connection known to speak HTTP/2.
    client.generate(&Generate::new(&dii())).await.unwrap();
    let calls = (0..CALLS).map(|_| {
        let client = client.clone();
        tokio::spawn(async move { client.generate(&Generate::new(&dii())).await.unwrap() })
    });
    let calls: Vec<_> = calls.collect();
    for call in calls {
        call.await.unwrap();
    }
    let seen = server.seen();
    assert_eq!(seen.len(), 1 + CALLS);
    assert!(seen.iter().all(|seen| seen.version == Version::HTTP_2));
    assert_eq!(server.connections(), 1);
}

/// Lets all tasks of this thread, which are all that a test has, do what they can.
async fn settle() {
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
}

/// An idle connection that the server gave up is replaced, and nobody notices:
/// a logout would not be repeated if it could have been done.
#[tokio::test]
async fn a_connection_that_was_closed_meanwhile_is_replaced() {
    let server = RawServer::start(|mut tcp, _| async move {
        read_request(&mut tcp).await;
        tcp.write_all(b"HTTP/1.1 401 No\r\ncontent-length: 0\r\n\r\n")
            .await
            .unwrap();
    })
    .await;
    let client = client(server.base_url(), &TestRuntime::new());
    for _ in 0..5 {
        let error = client.logout(&Logout::new(&dii())).await.unwrap_err();
        assert_eq!(error.http_status(), Some(401));
        assert_eq!(error.attempts(), 1);
        settle().await;
    }
    assert_eq!(server.connections(), 5);
}

#[tokio::test]
async fn a_call_that_is_dropped_is_abandoned() {
    let (closed, mut news) = mpsc::unbounded_channel();
    let server = RawServer::start(move |mut tcp, _| {
        let closed = closed.clone();
        async move {
            read_request(&mut tcp).await;
            closed.send("sent").unwrap();
            let more = tcp.read_u8().await;
            more.unwrap_err();
            closed.send("closed").unwrap();
        }
    })
    .await;
    let client = client(server.base_url(), &TestRuntime::new());
    let call = tokio::spawn(async move { client.generate(&Generate::new(&dii())).await });
    assert_eq!(news.recv().await, Some("sent"));
    call.abort();
    assert_eq!(news.recv().await, Some("closed"));
    assert_eq!(server.connections(), 1);
}

/// Closures and shared transports are transports, and can be wrapped around one.
#[tokio::test]
async fn transports_of_every_kind() {
    let server = Server::start(good).await;
    let hyper = Arc::new(crate::support::transport());
    let inner = Arc::clone(&hyper);
    let closure = move |request: Request<Bytes>| {
        let inner = Arc::clone(&inner);
        async move { inner.send(request).await }
    };
    let shared = Client::builder(caller(), server.base_url()).build(hyper);
    shared.generate(&Generate::new(&dii())).await.unwrap();
    let wrapped = Client::builder(caller(), server.base_url()).build(closure);
    wrapped.generate(&Generate::new(&dii())).await.unwrap();
    assert_eq!(server.seen().len(), 2);
}

/// Else every burst would make most of its connections, TLS and all, anew.
#[tokio::test]
async fn a_burst_leaves_its_connections_to_the_next() {
    const CALLS: usize = 64;
    // Answers only once all of a burst are there.
    let gate = Arc::new(tokio::sync::Barrier::new(CALLS));
    let server = RawServer::start(move |mut tcp, _| {
        let gate = Arc::clone(&gate);
        async move {
            loop {
                read_request(&mut tcp).await;
                gate.wait().await;
                let answer = b"HTTP/1.1 401 No\r\ncontent-length: 0\r\n\r\n";
                tcp.write_all(answer).await.unwrap();
            }
        }
    })
    .await;
    let client = client(server.base_url(), &TestRuntime::new());
    for _ in 0..3 {
        let dii = dii();
        let logout = Logout::new(&dii);
        let calls = (0..CALLS).map(|_| client.logout(&logout));
        for refused in futures_util::future::join_all(calls).await {
            assert_eq!(refused.unwrap_err().http_status(), Some(401));
        }
        // Each is put back by a task of its own.
        settle().await;
    }
    assert_eq!(server.connections(), CALLS);
}
