//! Writes a store of each kind in the format of this version, for the tests of
//! later versions to read: `cargo run -p uid2-store --example write_fixtures -- FOLDER`.
//!
//! Fixtures are written once for each format, and for each way to write a record
//! that a format is given later, and never again.

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use uid2_core::lifecycle::{OptOut, OptOutReason, Record, RefreshState, StoredIdentity};
use uid2_core::{Identity, Timestamp};
use uid2_store::{Codec, FileStore, KeyRing, Precondition, TokenStore};

const IDENTITY: &str = r#"{"advertising_token":"A4AAAAfixture","refresh_token":"AAAAfixture",
    "identity_expires":1700003600000,"refresh_expires":1702592000000,
    "refresh_from":1700000900000,
    "refresh_response_key":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    "of_the_future":[1,2.50]}"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("say which folder")?);
    fs::create_dir_all(&folder)?;
    let ring = || KeyRing::new([1; 32], 7, [2; 32]);
    let stores = [
        ("plain", FileStore::options(), Codec::plain()),
        (
            "sealed",
            FileStore::options().encrypt(ring()),
            Codec::sealed(ring()),
        ),
    ];
    for (name, options, codec) in stores {
        let store = options.open(folder.join(format!("{name}.db"))).await?;
        let mut values = String::new();
        for (key, record) in records()? {
            store
                .put(key.as_bytes(), &record, Precondition::Any)
                .await?;
            let value = codec.encode(key.as_bytes(), &record)?;
            let hex: String = value.iter().map(|byte| format!("{byte:02x}")).collect();
            values.push_str(&format!("{key} {hex}\n"));
        }
        store.close().await;
        fs::remove_file(folder.join(format!("{name}.db-lock")))?;
        fs::write(folder.join(format!("{name}.values")), values)?;
    }
    Ok(())
}

fn records() -> Result<Vec<(&'static str, Record)>, Box<dyn Error>> {
    let at = Timestamp::from_millis(1_700_000_000_000);
    let identity = Record::identity(Identity::from_json(IDENTITY.as_bytes())?, None);
    let Record::Identity(stored) = identity.clone() else {
        return Err("not an identity".into());
    };
    let backoff = RefreshState::Backoff {
        failures: 3,
        since: Timestamp::from_millis(1_699_999_400_000),
        until: at,
    };
    let failing = StoredIdentity {
        refresh: backoff,
        dii: Some([9; 32]),
        ..stored.clone()
    };
    let dormant = StoredIdentity {
        refresh: RefreshState::Dormant,
        ..stored.clone()
    };
    let ended = StoredIdentity {
        refresh: RefreshState::Ended,
        ..stored
    };
    let opt_out = |reason| Record::OptOut(OptOut { reason, at });
    Ok(vec![
        ("fresh", identity),
        ("failing", Record::Identity(failing)),
        ("dormant", Record::Identity(dormant)),
        ("ended", Record::Identity(ended)),
        ("left", opt_out(OptOutReason::Service)),
        ("left-us", opt_out(OptOutReason::Publisher)),
        (
            "logged-out",
            Record::LoggedOut {
                at,
                until: Timestamp::from_millis(1_700_003_600_000),
            },
        ),
    ])
}
