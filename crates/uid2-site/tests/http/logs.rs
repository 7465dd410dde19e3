//! What is logged, by us and by what we use, tells nothing it should not.

use tracing::level_filters::LevelFilter;
use uid2_core::Dii;

use crate::support::{Log, World, between};

/// Not used by any other test, so that what is found is this one's.
const EMAIL: &str = "logged-person@example.com";
const PHONE: &str = "+498765432101";

#[test]
fn nothing_personal_or_secret_is_logged() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();

    let world = World::new();
    let mut jane = world.visitor();
    let mut secrets = vec![EMAIL.to_owned(), PHONE.to_owned(), "98765432101".into()];
    for dii in [EMAIL, PHONE] {
        let page = jane.sign_in(dii);
        secrets.push(page.token().to_owned());
        secrets.push(jane.csrf.clone());
        let identity = jane.get("/identity.json").body;
        let quoted = |name| {
            between(&identity, &format!("\"{name}\":\""), "\"")
                .unwrap()
                .to_owned()
        };
        secrets.push(quoted("refresh_token"));
        secrets.push(quoted("refresh_response_key"));
        let cookie = jane.cookie.clone().unwrap();
        secrets.push(cookie.split_once("s.").unwrap().1.to_owned());
        jane.send("/refresh", &[]);
        jane.send("/outage", &[("out", "true")]);
        jane.send("/time", &[("minutes", "61")]);
        jane.send("/outage", &[("out", "false")]);
        jane.send("/opt-out", &[]);
        jane.send("/opt-in", &[("dii", dii), ("consent", "yes")]);
        jane.see("/opt-out-everywhere");
        jane.send("/opt-out-everywhere", &[("dii", dii)]);
        jane.send("/sign-out", &[]);
        // Mistakes, too: in a form, in a query, in a path.
        jane.sign_in(&format!("{dii}@@"));
        jane.get(&format!("/?email={}", dii.replace('+', "%2B")));
        jane.get(&format!("/{}", dii.replace('+', "")));
        jane.post_raw("/time", &[("minutes", dii)]);
    }
    let hashes = [
        Dii::email(EMAIL).unwrap().hash_bytes(),
        Dii::phone(PHONE).unwrap().hash_bytes(),
    ];
    for hash in hashes {
        secrets.push(hash.iter().map(|byte| format!("{byte:02x}")).collect());
    }
    secrets.push(world.site().emulator().unwrap().client_secret().to_owned());

    let logged = String::from_utf8(log.0.lock().clone()).unwrap();
    // Lest an empty log pass: what must be there, ours and others'.
    for expected in [
        "answered",
        "route=\"/sign-in\"",
        "status=404",
        "refresh failed",
        "hyper",
    ] {
        assert!(logged.contains(expected), "not logged: {expected}");
    }
    for secret in &secrets {
        assert!(secret.len() > 10, "{secret}");
        if let Some(at) = logged.find(secret.as_str()) {
            let from = logged.floor_char_boundary(at.saturating_sub(300));
            let to = logged.floor_char_boundary(at + 100);
            panic!("{secret} is logged: {}", &logged[from..to]);
        }
    }
}
