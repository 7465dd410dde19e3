//! Nothing personal or secret is told by anything that the publisher and what it
//! stands on say of themselves: logs at every level, errors with their causes,
//! `Debug`, names and labels of metrics. Over real sockets, with a file store and
//! the emulator, in which everything goes well and then everything goes wrong.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    missing_docs,
    unreachable_pub,
    missing_debug_implementations,
    reason = "helpers of tests may fail a test"
)]

mod counted;
mod told;
mod world;

use std::time::Duration;

use tracing_subscriber::layer::SubscriberExt;
use uid2_core::operation::Caller;
use uid2_core::{ApiKey, BaseUrl, ClientSecret, Dii, EmailHash, Identity, PhoneHash};
use uid2_http::HyperTransport;
use uid2_publisher::{Error, Establish, Established};
use uid2_sim::logs::Ear;
use uid2_store::{FileStore, KeyRing};

use counted::Counted;
use told::Told;
use world::{IMPATIENT, MINUTE, PATIENT, TestPublisher, World};

const EMAIL: &str = "Jane.Doe@people.example";
const PHONE: &str = "+49151234567890";

/// Everything that can go wrong on the way, as the emulator does it.
const FAULTS: &[&str] = &[
    "status=503",
    "status=429, retry-after=1",
    "status=429, retry-after=3600",
    "status=500, body=html",
    "status=502, body=empty",
    "status=401, body=json",
    "status=403, body=html",
    "status=404, body=json",
    "status=302",
    "drop",
    "reset",
    "timestamp=-300000",
    "nonce",
    "corrupt",
    "truncate=10",
    "stall=10",
    "latency=500",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_personal_or_secret_is_told() {
    let told = listen();
    let mut world = World::new(told.clone()).await;
    plant(&world);

    all_goes_well(&mut world).await;
    for (number, fault) in FAULTS.iter().enumerate() {
        everything_fails(&mut world, number, fault).await;
    }
    others_credentials(&mut world).await;
    broken_stores(&mut world).await;
    bad_input(&mut world);
    world.emulator.stop().await;

    let lines = told.take();
    // Lest silence pass: what must be there, ours and others'.
    for expected in [
        "uid2.call",
        "answered",
        "attempt failed",
        "trying again after a pause",
        "going on with another base URL",
        "opt-out of the service",
        "refresh failed",
        "hyper_util",
        "a connection ended",
        "said: the UID2 service did not answer with an outcome",
        "said: the store of identities has a problem",
        "shown: Publisher",
        "counted: uid2_http_attempts_total operation=token/refresh",
    ] {
        let there = lines.iter().any(|line| line.contains(expected));
        assert!(there, "not told: {expected}");
    }
    assert!(lines.len() > 1000, "only {} lines were told", lines.len());
    for line in &lines {
        if let Some(what) = world.secrets.in_line(line) {
            panic!("told: {what}: {line}");
        }
    }
}

/// To all that this process logs and counts from now on.
fn listen() -> Told {
    let told = Told::default();
    let listener = told.clone();
    let ear = Ear(move |line: &str| listener.note(line));
    let subscriber = tracing_subscriber::registry().with(ear);
    tracing::subscriber::set_global_default(subscriber).unwrap();
    metrics::set_global_recorder(Counted(told.clone())).unwrap();
    told
}

/// Whatever is told is found, in each form and wherever it stands.
fn plant(world: &World) {
    let (key, secret) = (world.emulator.api_key(), world.emulator.client_secret());
    world.told.take();
    tracing::trace!("asking as {key}");
    tracing::info!(user = EMAIL, "sign-in");
    tracing::debug_span!("call", key = &key[20..]).in_scope(|| {});
    let error = std::io::Error::other(format!("cannot decrypt with {secret}"));
    let error: Box<dyn std::error::Error> = error.into();
    tracing::warn!(error, "failed");
    metrics::counter!("calls", "caller" => key.to_owned()).increment(1);
    world.told.debug(&Some(world::DII_KEY));
    world
        .told
        .result(&Err::<(), _>(std::io::Error::other(secret)));
    let lines = world.told.take();
    assert_eq!(lines.len(), 7);
    for line in lines {
        assert!(world.secrets.in_line(&line).is_some(), "not found: {line}");
    }
}

/// A user whose id is not to be told either, and the identity of that user.
async fn sign_in(
    world: &mut World,
    publisher: &TestPublisher,
    user: &str,
    request: impl Into<Establish>,
) -> Result<Established, Error> {
    let request = request.into();
    world.secrets.text("user id", user);
    world.told.debug(&request);
    let established = publisher.establish(user, request).await;
    world.told.result(&established);
    look_up(world, publisher, user).await;
    established
}

/// Notes what is to be kept quiet of a user from now on.
async fn look_up(world: &mut World, publisher: &TestPublisher, user: &str) {
    let json = publisher.identity_json(user).await;
    if let Ok(Some(json)) = &json {
        world.secrets.identity(json);
        world
            .told
            .debug(&Identity::from_json(json.as_bytes()).unwrap());
    } else if let Err(error) = &json {
        world.told.error(error);
    }
}

/// A new person, by number.
fn person(world: &mut World, number: usize) -> Dii {
    let address = format!("Person.{number}@people.example");
    let dii = Dii::email(&address).unwrap();
    world.secrets.person(&address, &dii);
    world.told.debug(&dii);
    dii
}

async fn all_goes_well(world: &mut World) {
    let publisher = world.usual().await;
    let email = Dii::email(EMAIL).unwrap();
    let phone = Dii::phone(PHONE).unwrap();
    world.secrets.person(EMAIL, &email);
    world.secrets.person(PHONE, &phone);
    let hashes = [
        Dii::from(EmailHash::from_bytes(email.hash_bytes())),
        Dii::from(PhoneHash::from_bytes(phone.hash_bytes())),
    ];
    let raw = Establish::new(email.clone()).sending_raw_dii();
    let mut refreshed = Vec::new();
    let requests = [email, phone].into_iter().chain(hashes);
    for (at, request) in requests.map(Establish::from).chain([raw]).enumerate() {
        let user = format!("user-well-{at}");
        let established = sign_in(world, &publisher, &user, request).await.unwrap();
        assert!(matches!(established, Established::Token(_)), "{user}");
        refreshed.push(user);
    }
    for minutes in [20, 90] {
        world.pass(minutes * MINUTE);
        for user in &refreshed {
            for outcome in [publisher.token_now(user).await, publisher.token(user).await] {
                world.told.result(&outcome);
                let token = outcome.unwrap().valid();
                world.told.debug(&token.map(|token| publisher.eid(token)));
            }
        }
        let swept = publisher.refresher().sweep().await;
        world.told.result(&swept);
        for user in &refreshed {
            look_up(world, &publisher, user).await;
        }
    }
    who_left(world, &publisher).await;
    let stats = publisher.store().stats().await;
    world.told.result(&stats);
    world.told.result(&publisher.store().verify().await);
    world.told.debug(&publisher.refresher());
    world.told.result(&publisher.logout(&refreshed[0]).await);
    assert!(publisher.shutdown(Duration::from_secs(5)).await);
    world.told.result(&publisher.token(&refreshed[1]).await);
    let (user, dii) = ("user-too-late", person(world, 0));
    let late = sign_in(world, &publisher, user, dii).await;
    assert!(late.is_err(), "it has been shut down");
    publisher.store().close().await;
}

/// Those who opted out: at the service before and after, and of this site.
async fn who_left(world: &mut World, publisher: &TestPublisher) {
    for (user, address) in [
        ("user-opted-out", "optout@example.com"),
        ("user-opts-out", "refresh-optout@example.com"),
    ] {
        let dii = Dii::email(address).unwrap();
        world.secrets.person(address, &dii);
        let established = sign_in(world, publisher, user, dii).await;
        assert!(established.is_ok());
    }
    world.pass(90 * MINUTE);
    let outcome = publisher.token("user-opts-out").await;
    world.told.result(&outcome);
    assert!(outcome.unwrap().opt_out().is_some());
    let dii = person(world, 1);
    let here = sign_in(world, publisher, "user-not-here", dii.clone()).await;
    assert!(here.is_ok());
    world.told.result(&publisher.opt_out("user-not-here").await);
    world.told.result(&publisher.opt_out_dii(&dii).await);
    let again = sign_in(world, publisher, "user-not-here-again", dii.clone()).await;
    assert!(matches!(again, Ok(Established::OptedOut(_))));
    world
        .told
        .result(&publisher.opt_in("user-not-here", &dii).await);
}

/// Each verb, with something going wrong.
async fn everything_fails(world: &mut World, number: usize, fault: &str) {
    let store = world.store(&format!("{number}.db")).await;
    let publisher = world.publisher(world.credentials(), store.clone());
    let old = format!("user-{number}-who-was-here-before");
    let dii = person(world, 100 + number);
    let established = sign_in(world, &publisher, &old, dii).await.unwrap();
    assert!(matches!(established, Established::Token(_)));
    world.pass(90 * MINUTE);
    world.fault(fault);
    world.patience = IMPATIENT;
    let publisher = world.publisher(world.credentials(), store);
    let (new, dii) = (
        format!("user-{number}-who-is-new"),
        person(world, 200 + number),
    );
    // Some faults are overcome by trying again.
    let _ = sign_in(world, &publisher, &new, dii).await;
    world.told.result(&publisher.token_now(&old).await);
    world.told.result(&publisher.token(&old).await);
    world.pass(10 * MINUTE);
    world.told.result(&publisher.refresher().sweep().await);
    publisher.shutdown(Duration::from_secs(5)).await;
    look_up(world, &publisher, &old).await;
    world.told.result(&publisher.logout(&old).await);
    world.fault("");
    world.patience = PATIENT;
    publisher.store().close().await;
}

/// An operator that does not know us, or is not one, or is not there.
async fn others_credentials(world: &mut World) {
    const KEY: &str = "UID2-C-L-999-zzzzzz.zzzzmDqAXELtWWMSzxG1s7RdgRTMqdOH2qaAo=";
    const SECRET: &str = "zzzzbjTJcYL0swDtFs2krRNuzg1Eokm2tBU4dEuD0Wk=";
    world.secrets.text("another API key", KEY);
    world.secrets.text("another client secret", SECRET);
    let url = world.emulator.url().to_owned();
    let own_key = world.emulator.api_key().to_owned();
    let own_secret = world.emulator.client_secret().to_owned();
    let nobody = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let elsewhere = format!("{url}/elsewhere");
    for (at, credentials) in [
        (&url, KEY, own_secret.as_str()),
        (&url, own_key.as_str(), SECRET),
        (&nobody, &own_key, &own_secret),
        (&elsewhere, &own_key, &own_secret),
    ]
    .into_iter()
    .enumerate()
    {
        let store = world.store(&format!("others-{at}.db")).await;
        let (url, key, secret) = credentials;
        let publisher = world.publisher((url, key, secret), store);
        let (user, dii) = (format!("user-others-{at}"), person(world, 300 + at));
        let established = sign_in(world, &publisher, &user, dii).await;
        assert!(established.is_err(), "{user}");
    }
}

async fn broken_stores(world: &mut World) {
    let publisher = world.usual().await;
    let (user, dii) = ("user-stored", person(world, 400));
    assert!(sign_in(world, &publisher, user, dii.clone()).await.is_ok());
    publisher.store().close().await;
    for result in [
        sign_in(world, &publisher, user, dii.clone())
            .await
            .map(drop),
        publisher.logout(user).await,
    ] {
        world.told.result(&result);
        assert!(matches!(result, Err(Error::Store(_))));
    }
    // Perhaps still from its cache.
    world.told.result(&publisher.token(user).await);
    let usual = world.folder.path().join("usual.db");
    let read_only = FileStore::options().encrypt(World::ring()).read_only();
    let read_only = read_only.open(&usual).await.unwrap();
    let publisher = world.publisher(world.credentials(), read_only);
    let refused = sign_in(world, &publisher, user, dii).await;
    assert!(matches!(refused, Err(Error::Store(_))));
    publisher.store().close().await;

    let other = KeyRing::new([1; 32], 1, [2; 32]);
    let opened = FileStore::options().encrypt(other).open(&usual).await;
    world.told.result(&opened);
    assert!(opened.is_err(), "opened with other keys");
    let opened = FileStore::open(&usual).await;
    world.told.result(&opened);
    assert!(opened.is_err(), "opened without a key");
    let garbage = world.folder.path().join("garbage.db");
    std::fs::write(&garbage, format!("{EMAIL} {PHONE} is no database")).unwrap();
    let opened = FileStore::open(&garbage).await;
    world.told.result(&opened);
    assert!(opened.is_err(), "opened garbage");
}

/// What is wrong is said without repeating it.
fn bad_input(world: &mut World) {
    let told = world.told.clone();
    for typed in [
        "Jane.Doe@people.example@people.example",
        "Jane.Doe.people.example",
        "Jane.Doe@people.example@",
        "+49151234567890123",
        "0151234567890",
        "+49151-234567890",
    ] {
        world.secrets.text("what was typed wrong", typed);
        told.result(&Dii::email(typed));
        told.result(&Dii::phone(typed));
        told.result(&EmailHash::parse(typed));
    }
    let key = world.emulator.api_key();
    let secret = world.emulator.client_secret();
    for wrong in [
        &key[..40],
        &key.replace('C', "X"),
        &format!("{key}\n"),
        secret,
    ] {
        told.result(&ApiKey::parse(wrong));
        told.result(&ClientSecret::parse(wrong));
        told.result(&KeyRing::new([1; 32], 1, [1; 32]).with_former_key(1, world::DII_KEY));
        told.result(&format!("names {wrong}\nkey 1 {wrong}").parse::<KeyRing>());
        told.result(&BaseUrl::parse(&format!("https://{wrong}@127.0.0.1")));
        told.result(&HyperTransport::builder().proxy(&format!("ftp://jane:{secret}@x")));
        told.result(&Identity::from_json(
            format!(r#"{{"advertising_token":"{wrong}","refresh_token":{{"{secret}":1}}}}"#)
                .as_bytes(),
        ));
        let caller = Caller::new(key.parse().unwrap(), secret.parse().unwrap());
        told.result(&caller.with_client_version(format!("{wrong}\n")));
    }
}
