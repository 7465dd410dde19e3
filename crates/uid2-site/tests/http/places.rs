//! Where a site listens, keeps its data, and whom it calls.

use std::net::TcpListener;

use uid2_core::operation::Caller;
use uid2_core::{BaseUrl, Dii, Scope};
use uid2_emulator::{Config, Emulator};
use uid2_site::{Operator, Options, StartError};

use crate::support::World;

const EMAIL: &str = "jane@example.com";

#[test]
fn the_next_free_port_is_taken_if_one_is_not() {
    // Two beside each other that are free at the moment.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let world = World::with(|options| options.port(port));
    assert!(world.port() > port, "{}", world.port());
    assert_eq!(world.visitor().get("/").status, 200);
}

#[test]
fn two_sites_do_not_share_a_folder() {
    let world = World::new();
    let second = Options::new(world.folder.path()).port(0).start();
    let error = world.runtime.block_on(second).unwrap_err();
    assert!(matches!(error, StartError::Store(_)), "{error:?}");
    assert!(error.to_string().contains("another site"));
}

#[test]
fn no_dii_is_at_rest() {
    let mut world = World::new();
    let mut jane = world.visitor();
    jane.sign_in(EMAIL);
    world.visitor().sign_in("+12345678901");
    let cookie = jane.cookie.clone().unwrap();
    let id = cookie.split_once("s.").unwrap().1.to_owned();
    world.stop();
    let hash = Dii::email(EMAIL).unwrap().hash_bytes();
    let mut bytes = 0;
    for file in std::fs::read_dir(world.folder.path().join("embedded")).unwrap() {
        let content = std::fs::read(file.unwrap().path()).unwrap();
        bytes += content.len();
        for secret in [EMAIL.as_bytes(), b"2345678901", &hash, id.as_bytes()] {
            assert!(!content.windows(secret.len()).any(|window| window == secret));
        }
    }
    assert!(bytes > 10_000, "there is something to look through");
}

#[test]
fn an_operator_elsewhere_is_called_with_ones_own_credentials() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let emulator = runtime
        .block_on(Emulator::builder().config(Config::default()).start())
        .unwrap();
    let base_url = BaseUrl::parse(emulator.url()).unwrap();
    let caller =
        |secret: &str| Caller::new(emulator.api_key().parse().unwrap(), secret.parse().unwrap());
    let good = Operator::At(caller(emulator.client_secret()), base_url.clone());
    let world = World::with(|options| options.operator(good));
    let mut jane = world.visitor();
    assert_eq!(jane.sign_in(EMAIL).heading(), "You are signed in");
    assert_eq!(emulator.operator().total_requests(), 1);
    // What only an embedded operator allows is not there.
    let page = jane.see("/account");
    assert!(!page.body.contains("Let time pass"));
    for path in ["/time", "/outage", "/opt-out-everywhere"] {
        assert_eq!(jane.post(path, &[("minutes", "16")]).status, 404, "{path}");
    }

    let wrong = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let wrong = Operator::At(caller(wrong), base_url);
    let world = World::with(|options| options.operator(wrong));
    let page = world.visitor().sign_in(EMAIL);
    assert_eq!(
        (page.status, page.heading()),
        (502, "The operator refuses this site")
    );
}

#[test]
fn euid_takes_no_phone_numbers_and_asks_for_consent_strings() {
    const KEY: &str = "EUID-C-L-42-abcdef.ghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQR";
    const SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    // Of the protocol, section 6.
    const SUFFICIENT: &str = "CPhJRpMPhJRpMABAMBFRACBoALAAAEJAAIYgAKwAQAKgArABAAqAAA";
    const INSUFFICIENT: &str = "CPehXK9PehXK9ABAMBFRACBoADAAAEJAAIYgAKwAQAKgArABAAqAAA";
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let config = Config {
        scope: Scope::Euid,
        ..Config::default()
    };
    let emulator = Emulator::builder().config(config).credentials(KEY, SECRET);
    let emulator = runtime.block_on(emulator.start()).unwrap();
    let caller = Caller::new(KEY.parse().unwrap(), SECRET.parse().unwrap());
    let operator = Operator::At(caller, BaseUrl::parse(emulator.url()).unwrap());
    let world = World::with(|options| options.operator(operator));

    let mut jane = world.visitor();
    let page = jane.sign_in("+12345678901");
    assert_eq!(page.status, 422);
    assert!(page.body.contains("EUID takes nothing else"));
    let with = |tcf| [("dii", EMAIL), ("consent", "yes"), ("tcf", tcf)];
    let page = jane.send("/sign-in", &with(INSUFFICIENT));
    assert_eq!(page.heading(), "There is no identity");
    assert!(page.body.contains("does not grant what the service needs"));
    let page = jane.send("/sign-in", &with(SUFFICIENT));
    assert_eq!(page.heading(), "You are signed in");
    assert!(page.body.contains("euid.eu"));
}
