//! An error ends up in somebody's log. Whatever a server echoes, no DII, no
//! token and no key is in it.

use std::error::Error as _;

use uid2_core::operation::Error;
use uid2_core::{ApiKey, BaseUrl, ClientSecret, Email, EmailHash, Identity, Phone};
use uid2_core::{ApiKeyError, BaseUrlError, EmailError, HashError, KeyError, PhoneError};

use crate::fixture::{
    API_KEY, Answer, EMAIL, IDENTITY, RESPONSE_KEY, SECRET, generate, logout, plain, refresh,
    sealed, validate,
};

const PHONE: &str = "+12345678901";
const HASH: &str = "tMmiiTI7IaAcPpQPFQ65uMVCWH8av9jw4cwf/F5HVRQ=";
const HEX: &str = "b4c9a289323b21a01c3e940f150eb9b8c542587f1abfd8f0e1cc1ffc5e475514";
const TOKEN: &str = "A4AAABxQ7_1d4iZ0o9v5cYH3K-2nAqW8mTgYp0bLk6sRfJtUeXvCzNhGdSaPoIuYt";

/// Everything that must never be seen.
const SECRETS: [&str; 8] = [
    EMAIL,
    PHONE,
    HASH,
    HEX,
    TOKEN,
    API_KEY,
    SECRET,
    RESPONSE_KEY,
];

/// All that an error can be made to say, its causes included.
fn said(error: &Error) -> String {
    let mut text = format!("{error} {error:?} {error:#?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(" {error} {error:?}"));
        cause = error.source();
    }
    text
}

fn assert_silent(answer: &Answer) {
    for error in [
        generate(answer).map(drop).unwrap_err(),
        refresh(answer).map(drop).unwrap_err(),
        validate(answer).map(drop).unwrap_err(),
        logout(answer).map(drop).unwrap_err(),
    ] {
        let said = said(&error);
        for secret in SECRETS {
            assert!(!said.contains(secret), "{secret} in {said}");
            // Nor the telling part of one.
            let middle = &secret[4..secret.len() - 4];
            assert!(!said.contains(middle), "a part of {secret} in {said}");
        }
    }
}

#[test]
fn echoes_in_refusals_are_cut_out() {
    for secret in SECRETS {
        for text in [
            secret.to_owned(),
            format!("bad value {secret}"),
            format!("bad value '{secret}'!"),
            format!("bad value:{secret},next"),
            format!("https://host.example/path?value={secret}"),
            format!("\u{7}{secret}\u{0}"),
            format!("{{\"value\":\"{secret}\"}}"),
        ] {
            for http_status in [400, 401, 403, 404, 429, 500, 503] {
                for (status, message) in [("client_error", text.as_str()), (&text, "m")] {
                    let body = serde_json::json!({"status": status, "message": message});
                    assert_silent(&plain(http_status, &body.to_string()));
                }
            }
        }
    }
}

#[test]
fn echoes_in_bodies_of_other_kinds_are_not_repeated() {
    for secret in SECRETS {
        for http_status in [200, 302, 400, 404, 500] {
            assert_silent(&plain(http_status, secret));
            assert_silent(&plain(http_status, &format!("<html>{secret}</html>")));
            assert_silent(&plain(http_status, &format!("{{\"error\":\"{secret}\"}}")));
        }
    }
}

#[test]
fn echoes_in_sealed_answers_are_cut_out() {
    for secret in SECRETS {
        assert_silent(&sealed(&format!(
            r#"{{"status":"{secret}","message":"{secret}"}}"#
        )));
        assert_silent(&sealed(&format!(
            r#"{{"status":"success","body":"{secret}"}}"#
        )));
        assert_silent(&sealed(&format!(
            r#"{{"status":"success","body":{{"{secret}":1}}}}"#
        )));
        assert_silent(&sealed(&format!(
            r#"{{"status":"success","body":["{secret}"]}}"#
        )));
        assert_silent(&sealed(&format!("\"{secret}\"")));
    }
}

/// Errors about input say which rule it breaks, not what it was.
#[test]
fn errors_about_input_do_not_repeat_it() {
    let said = [
        format!("{:?}", Email::parse("jane.doe.example.com").unwrap_err()),
        EmailError::SeveralAt.to_string(),
        format!("{:?}", Phone::parse("12345678901").unwrap_err()),
        PhoneError::NoPlus.to_string(),
        format!("{:?}", EmailHash::parse("tMmiiTI7IaAcPpQ").unwrap_err()),
        HashError::Base64.to_string(),
        format!("{:?}", ApiKey::parse("UID2-C-L-999-fCXrMM").unwrap_err()),
        ApiKeyError::Malformed.to_string(),
        format!(
            "{:?}",
            ClientSecret::parse("DzBzbjTJcYL0swDtFs2krRNu").unwrap_err()
        ),
        KeyError::NotBase64.to_string(),
        format!(
            "{:?}",
            BaseUrl::parse("https://user:pass@host").unwrap_err()
        ),
        BaseUrlError::UserInfo.to_string(),
        format!(
            "{:?}",
            Identity::from_json(&IDENTITY.as_bytes()[..99]).unwrap_err()
        ),
    ]
    .join(" ");
    for part in [
        "jane",
        "12345",
        "tMmii",
        "fCXrMM",
        "DzBz",
        "pass@",
        "user:pass@",
        "newTOKEN",
    ] {
        assert!(!said.contains(part), "{part} in {said}");
    }
}
