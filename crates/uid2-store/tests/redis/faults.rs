//! Servers that die, refuse, or are not what they should be.

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::mpsc;
use uid2_store::conformance::opt_out;
use uid2_store::{KeyRing, Precondition, RedisStore, StoreError, TokenStore};

use super::server::{Server, Tls, is_installed};
use super::{at, user};

/// Writers note what was acknowledged; the server is killed under them.
#[tokio::test(flavor = "multi_thread")]
async fn no_acknowledged_write_is_lost_when_the_server_is_killed() {
    if !is_installed("no_acknowledged_write_is_lost_when_the_server_is_killed") {
        return;
    }
    let mut server = Server::start(&["--appendonly", "yes", "--appendfsync", "always"]).await;
    let store = RedisStore::options()
        .response_timeout(Duration::from_secs(5))
        .connect(&server.url())
        .await
        .unwrap();
    let mut acknowledged = HashMap::new();
    for round in 0..3 {
        let (note, mut notes) = mpsc::unbounded_channel();
        let writers: Vec<_> = (0..16)
            .map(|writer| write_until_it_fails(store.clone(), round, writer, note.clone()))
            .map(tokio::spawn)
            .collect();
        drop(note);
        for _ in 0..100 {
            notes.recv().await.expect("they write until it is killed");
        }
        server.kill();
        for writer in writers {
            let (written, error) = writer.await.unwrap();
            acknowledged.extend(written);
            assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
            assert!(error.is_retryable());
        }
        server.restart().await;
        // The same handle works again, as soon as it has connected anew.
        let mut tries = 0;
        while store.get(b"nobody").await.is_err() {
            tries += 1;
            assert!(tries < 500, "does not connect again");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    assert!(acknowledged.len() >= 300);
    for (key, version) in &acknowledged {
        let entry = store.get(key.as_bytes()).await.unwrap().unwrap();
        assert_eq!(entry.version, *version, "{key}");
    }
    let due = store.due(at(9), None, usize::MAX).await.unwrap();
    assert!(due.len() >= acknowledged.len());
}

type Written = HashMap<String, uid2_store::Version>;

async fn write_until_it_fails(
    store: RedisStore,
    round: u32,
    writer: u32,
    acknowledged: mpsc::UnboundedSender<()>,
) -> (Written, StoreError) {
    let mut written = HashMap::new();
    for number in 0.. {
        let key = format!("{round}-{writer}-{number}");
        match store
            .put(key.as_bytes(), &user("x"), Precondition::Absent)
            .await
        {
            Ok(version) => written.insert(key, version),
            Err(error) => return (written, error),
        };
        let _ = acknowledged.send(());
    }
    unreachable!("the server is killed at some time")
}

#[tokio::test]
async fn a_wrong_password_is_refused_and_none_is_shown() {
    if !is_installed("a_wrong_password_is_refused_and_none_is_shown") {
        return;
    }
    let server = Server::start(&["--requirepass", "opensesame"]).await;
    let address = format!("127.0.0.1:{}", server.port);
    for url in [
        format!("redis://:hunter22@{address}"),
        format!("redis://{address}"),
    ] {
        let error = RedisStore::connect(&url).await.unwrap_err();
        assert!(matches!(error, StoreError::Refused(_)), "{error:?}");
        assert!(!format!("{error:?}{error}").contains("hunter22"));
    }
    let store = RedisStore::connect(&format!("redis://:opensesame@{address}"))
        .await
        .unwrap();
    store
        .put(b"user", &opt_out(at(1)), Precondition::Any)
        .await
        .unwrap();
    assert!(!format!("{store:?}").contains("opensesame"));
}

#[tokio::test]
async fn an_address_that_is_none_or_does_not_answer() {
    for url in ["", "127.0.0.1", "http://127.0.0.1", "redis://:hunter22@"] {
        let error = RedisStore::connect(url).await.unwrap_err();
        assert!(matches!(error, StoreError::Refused(_)), "{url}: {error:?}");
        assert!(!format!("{error:?}{error}").contains("hunter22"));
    }
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let error = RedisStore::options()
        .connection_timeout(Duration::from_millis(500))
        .connect(&format!("redis://127.0.0.1:{port}"))
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
}

#[tokio::test]
async fn a_full_server_refuses_and_reads_on() {
    if !is_installed("a_full_server_refuses_and_reads_on") {
        return;
    }
    let server = Server::start(&["--maxmemory", "3mb", "--maxmemory-policy", "noeviction"]).await;
    let store = RedisStore::connect(&server.url()).await.unwrap();
    let text = "x".repeat(20_000);
    let mut count = 0;
    let error = loop {
        let key = format!("user-{count}");
        match store
            .put(key.as_bytes(), &user(&text), Precondition::Any)
            .await
        {
            Ok(_) => count += 1,
            Err(error) => break error,
        }
    };
    assert!(
        matches!(error, StoreError::Full(_)),
        "after {count}: {error:?}"
    );
    assert!(
        store
            .get(format!("user-{count}").as_bytes())
            .await
            .unwrap()
            .is_none()
    );
    for number in 0..count {
        let entry = store
            .get(format!("user-{number}").as_bytes())
            .await
            .unwrap();
        assert_eq!(entry.unwrap().record, user(&text));
    }
    assert_eq!(store.due(at(9), None, 1000).await.unwrap().len(), count);
}

#[tokio::test]
async fn what_is_not_ours_or_newer_or_of_another_ring_is_refused() {
    if !is_installed("what_is_not_ours_or_newer_or_of_another_ring_is_refused") {
        return;
    }
    let server = Server::start(&[]).await;
    let ring = KeyRing::new([1; 32], 1, [1; 32]);
    let encrypted = RedisStore::options().prefix("e").encrypt(ring);
    encrypted.clone().connect(&server.url()).await.unwrap();
    encrypted.connect(&server.url()).await.unwrap();
    let plain = RedisStore::options()
        .prefix("e")
        .connect(&server.url())
        .await;
    assert!(matches!(plain.unwrap_err(), StoreError::Encrypted));
    let other = KeyRing::new([2; 32], 1, [1; 32]);
    let other = RedisStore::options()
        .prefix("e")
        .encrypt(other)
        .connect(&server.url())
        .await;
    assert!(matches!(other.unwrap_err(), StoreError::WrongKeyRing));
    RedisStore::options()
        .prefix("p")
        .connect(&server.url())
        .await
        .unwrap();
    let ring = KeyRing::new([1; 32], 1, [1; 32]);
    let sealed = RedisStore::options()
        .prefix("p")
        .encrypt(ring)
        .connect(&server.url())
        .await;
    assert!(matches!(sealed.unwrap_err(), StoreError::NotEncrypted));

    let client = redis::Client::open(server.url()).unwrap();
    let mut raw = client.get_multiplexed_async_connection().await.unwrap();
    for (prefix, content) in [("newer", "9:"), ("foreign", "hello")] {
        let set = redis::cmd("SET")
            .arg(format!("{prefix}:format"))
            .arg(content)
            .clone();
        let _: () = set.query_async(&mut raw).await.unwrap();
    }
    let newer = RedisStore::options()
        .prefix("newer")
        .connect(&server.url())
        .await;
    assert!(matches!(
        newer.unwrap_err(),
        StoreError::NewerFormat { found: 9, known: 1 }
    ));
    let foreign = RedisStore::options()
        .prefix("foreign")
        .connect(&server.url())
        .await;
    assert!(matches!(foreign.unwrap_err(), StoreError::NotAStore(_)));
}

#[tokio::test]
async fn an_altered_value_is_damaged_for_its_user_alone() {
    if !is_installed("an_altered_value_is_damaged_for_its_user_alone") {
        return;
    }
    let server = Server::start(&[]).await;
    let store = RedisStore::connect(&server.url()).await.unwrap();
    for key in [b"a", b"b"] {
        store.put(key, &user("x"), Precondition::Any).await.unwrap();
    }
    let client = redis::Client::open(server.url()).unwrap();
    let mut raw = client.get_multiplexed_async_connection().await.unwrap();
    let names: Vec<Vec<u8>> = redis::cmd("KEYS")
        .arg("*:r:a")
        .query_async(&mut raw)
        .await
        .unwrap();
    let overwrite = redis::cmd("HSET")
        .arg(&names[0])
        .arg("d")
        .arg("rubbish")
        .clone();
    let _: () = overwrite.query_async(&mut raw).await.unwrap();
    assert!(matches!(store.get(b"a").await, Err(StoreError::Damaged)));
    assert!(store.get(b"b").await.unwrap().is_some());
    store.remove(b"a", Precondition::Any).await.unwrap();
    assert_eq!(store.get(b"a").await.unwrap(), None);
}

#[tokio::test]
async fn tls_with_a_root_of_our_own_and_without() {
    if !is_installed("tls_with_a_root_of_our_own_and_without") {
        return;
    }
    let tls = Tls::new();
    let mut options = tls.options();
    options.extend(["--requirepass".to_owned(), "opensesame".to_owned()]);
    let options: Vec<_> = options.iter().map(String::as_str).collect();
    let server = Server::start(&options).await;
    let url = format!("rediss://:opensesame@127.0.0.1:{}", server.port);

    let trusting = RedisStore::options().root_certificate(tls.pem.clone());
    let store = trusting.connect(&url).await.unwrap();
    store
        .put(b"user", &user("x"), Precondition::Any)
        .await
        .unwrap();
    assert!(store.get(b"user").await.unwrap().is_some());

    let quick = || RedisStore::options().connection_timeout(Duration::from_secs(2));
    let error = quick().connect(&url).await.unwrap_err();
    assert!(
        matches!(error, StoreError::Unavailable(_) | StoreError::Refused(_)),
        "an unknown certificate is trusted, or another error: {error:?}"
    );
    let error = quick()
        .connect(&url.replace("rediss", "redis"))
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    assert!(!format!("{error:?}{error}").contains("opensesame"));
}
