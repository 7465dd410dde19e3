//! What stands between us and the operator: protocol, section 2, and worse.

use uid2_core::envelope::{self, Encoding, EnvelopeError};
use uid2_core::operation::Action::{self, FixConfiguration, FixInput, Retry, Upgrade};
use uid2_core::operation::RefusalKind::{
    Forbidden, NotFound, Other, ProxyAuthentication, RateLimited, Redirected, TooLarge,
    Unauthorized, Unavailable,
};
use uid2_core::operation::{
    Error, Generate, GenerateOutcome, Logout, RefusalKind, Response, Validate,
};

use crate::fixture::{
    Answer, NOW, assert_refused, caller, email, generate, generate_as, identity, logout, opened,
    plain, refresh, rng, sealed, secret, validate,
};

/// What each operation makes of one answer.
fn all(answer: &Answer) -> [Error; 4] {
    [
        generate(answer).unwrap_err(),
        refresh(answer).unwrap_err(),
        validate(answer).unwrap_err(),
        logout(answer).unwrap_err(),
    ]
}

/// Bodies that an HTTP status may come with when no operator wrote it.
const WORDLESS: [&str; 7] = [
    "",
    "Request Too Long",
    "<html><body><h1>Resource not found</h1></body></html>",
    "\n <!DOCTYPE html><title>Oops</title>",
    "{}",
    "{\"error\":\"x\"}",
    "\u{feff}<html>",
];

#[test]
fn http_statuses_speak_for_themselves() {
    const TABLE: [(u16, RefusalKind, Action); 17] = [
        (301, Redirected, FixConfiguration),
        (302, Redirected, FixConfiguration),
        (307, Redirected, FixConfiguration),
        (308, Redirected, FixConfiguration),
        (403, Forbidden, FixConfiguration),
        (404, NotFound, FixConfiguration),
        (405, NotFound, FixConfiguration),
        (407, ProxyAuthentication, FixConfiguration),
        (408, Unavailable, Retry),
        (413, TooLarge, FixInput),
        (429, RateLimited, Retry),
        (500, Unavailable, Retry),
        (501, Unavailable, Retry),
        (502, Unavailable, Retry),
        (503, Unavailable, Retry),
        (504, Unavailable, Retry),
        (599, Unavailable, Retry),
    ];
    for (http_status, kind, action) in TABLE {
        for body in WORDLESS {
            for error in all(&plain(http_status, body)) {
                assert_refused(&error, kind, action, (http_status, "", None));
            }
        }
    }
}

#[test]
fn the_operators_401_has_a_status_and_no_message() {
    for error in all(&plain(401, r#"{"status":"unauthorized"}"#)) {
        assert_refused(
            &error,
            Unauthorized,
            FixConfiguration,
            (401, "unauthorized", None),
        );
    }
    for error in all(&plain(401, "")) {
        assert_refused(&error, Unauthorized, FixConfiguration, (401, "", None));
    }
    // A log-in page is a proxy's.
    for error in all(&plain(401, "<html>Log in</html>")) {
        assert_eq!(error, Error::NotAnOperator { http_status: 401 });
    }
}

/// The operator never refuses with these without saying why.
#[test]
fn refusals_without_words_are_not_the_operators() {
    for http_status in [100, 201, 204, 206, 400, 402, 409, 418, 451, 600, 999] {
        for body in WORDLESS {
            for error in all(&plain(http_status, body)) {
                assert_eq!(error, Error::NotAnOperator { http_status }, "{body}");
                assert_eq!(error.action(), FixConfiguration);
                assert_eq!(error.http_status(), Some(http_status));
            }
        }
    }
}

/// Gateways have words of their own: they are kept, in whatever form.
#[test]
fn words_of_a_gateway_are_kept() {
    let limit = r#"{"message":"Too Many Requests"}"#;
    for error in all(&plain(429, limit)) {
        assert_refused(
            &error,
            RateLimited,
            Retry,
            (429, "", Some("Too Many Requests")),
        );
    }
    let numeric = r#"{"status":503,"message":"draining","trace":[1]}"#;
    for error in all(&plain(503, numeric)) {
        assert_refused(&error, Unavailable, Retry, (503, "", Some("draining")));
    }
    let odd = r#"{"status":"error","message":{"en":"no"}}"#;
    let error = generate(&plain(409, odd)).unwrap_err();
    assert_refused(&error, Other, Upgrade, (409, "error", None));
}

#[test]
fn a_page_with_status_200_is_not_an_operators() {
    for body in [
        "<html>",
        " \r\n<!doctype html><p>Log in",
        "\u{feff}<html>",
        "<html>\u{e9}",
    ] {
        for error in all(&plain(200, body)) {
            assert_eq!(error, Error::NotAnOperator { http_status: 200 }, "{body}");
        }
    }
    // In Latin-1, too; and with the end cut off in the middle of a character.
    for body in [&b"<p>caf\xe9</p>"[..], b"<p>caf\xc3"] {
        for error in all(&Answer::Plain(200, body.to_vec())) {
            assert_eq!(error, Error::NotAnOperator { http_status: 200 });
        }
    }
}

#[test]
fn json_with_status_200_is_not_believed() {
    for body in [
        r#"{"status":"success"}"#,
        "[]",
        "\n{",
        "{\"status\":\"optout\"}",
    ] {
        for error in all(&plain(200, body)) {
            assert_eq!(
                (&error, error.action()),
                (&Error::NotSealed, FixConfiguration),
                "{body}"
            );
        }
        let binary = caller().with_encoding(Encoding::Binary);
        let error = generate_as(&binary, &plain(200, body)).unwrap_err();
        assert_eq!(error, Error::NotSealed, "{body}");
    }
}

#[test]
fn anything_else_with_status_200_is_a_broken_envelope() {
    for (body, expected) in [
        ("", None),
        ("OK", Some(EnvelopeError::NotBase64)),
        ("AAAA\n", Some(EnvelopeError::NotBase64)),
        ("AAAA", None),
        ("Please log in.", Some(EnvelopeError::NotBase64)),
    ] {
        for error in all(&plain(200, body)) {
            let Error::Envelope(reason) = &error else {
                panic!("{body:?}: {error:?}");
            };
            match expected {
                Some(expected) => assert_eq!(*reason, expected, "{body:?}"),
                None => assert!(matches!(reason, EnvelopeError::TooShort { .. }), "{body:?}"),
            }
            assert_eq!(error.action(), Retry);
            assert!(
                std::error::Error::source(&error).is_some(),
                "the reason is chained"
            );
        }
    }
}

/// A sealed response to a generate: every front part of it, and every bit.
#[test]
fn truncated_and_altered_responses_are_refused() {
    for encoding in [Encoding::Text, Encoding::Binary] {
        let dii = email();
        let caller = caller().with_encoding(encoding);
        let prepare = || Generate::new(&dii).prepare(&caller, NOW, &mut rng());
        let nonce = opened(&prepare().0, encoding).1;
        let json = br#"{"status":"optout"}"#;
        let good = envelope::seal_response(&secret(), json, encoding, NOW, [1; 12], nonce);
        let finish = |body: &[u8]| prepare().1.finish(Response::new(200, body), NOW);
        assert_eq!(finish(&good).unwrap().outcome, GenerateOutcome::OptOut);
        for len in 0..good.len() {
            assert!(finish(&good[..len]).is_err(), "{encoding:?} cut to {len}");
        }
        let mut body = good;
        for bit in 0..body.len() * 8 {
            body[bit / 8] ^= 1 << (bit % 8);
            assert!(finish(&body).is_err(), "{encoding:?} bit {bit}");
            body[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

/// A binary envelope begins with a random IV: it may look like JSON, like a page
/// or like white space, and must open all the same.
#[test]
fn a_binary_envelope_may_begin_with_any_byte() {
    let dii = email();
    let caller = caller().with_encoding(Encoding::Binary);
    let octets = Encoding::Binary.content_type();
    for first in 0..=255_u8 {
        for second in *b"{<[ " {
            let (request, pending) = Generate::new(&dii).prepare(&caller, NOW, &mut rng());
            let nonce = opened(&request, Encoding::Binary).1;
            let mut iv = [9; 12];
            (iv[0], iv[1]) = (first, second);
            let json = br#"{"status":"optout"}"#;
            let body = envelope::seal_response(&secret(), json, Encoding::Binary, NOW, iv, nonce);
            let response = match second {
                b' ' => Response::new(200, &body),
                _ => Response::new(200, &body).with_content_type(octets),
            };
            let reply = pending.finish(response, NOW);
            assert_eq!(
                reply.unwrap().outcome,
                GenerateOutcome::OptOut,
                "{first:#x}"
            );
        }
    }
}

/// An altered binary response is a broken envelope, even if it begins like JSON.
#[test]
fn a_broken_binary_envelope_is_not_taken_for_text() {
    let dii = email();
    let caller = caller().with_encoding(Encoding::Binary);
    for first in *b"{<[" {
        let (request, pending) = Generate::new(&dii).prepare(&caller, NOW, &mut rng());
        let nonce = opened(&request, Encoding::Binary).1;
        let mut iv = [0xff; 12];
        iv[0] = first;
        let json = br#"{"status":"optout"}"#;
        let mut body = envelope::seal_response(&secret(), json, Encoding::Binary, NOW, iv, nonce);
        *body.last_mut().unwrap() ^= 1;
        let error = pending.finish(Response::new(200, &body), NOW).unwrap_err();
        assert_eq!(error, Error::Envelope(EnvelopeError::Decrypt));
    }
}

/// Who sends bytes that turn out to be text is answered in text (section 4).
#[test]
fn a_binary_request_may_be_answered_in_text() {
    let dii = email();
    let caller = caller().with_encoding(Encoding::Binary);
    for content_type in ["text/plain", "Text/Plain; charset=utf-8"] {
        let (request, pending) = Generate::new(&dii).prepare(&caller, NOW, &mut rng());
        let nonce = opened(&request, Encoding::Binary).1;
        let json = br#"{"status":"optout"}"#;
        let body = envelope::seal_response(&secret(), json, Encoding::Text, NOW, [1; 12], nonce);
        let response = Response::new(200, &body).with_content_type(content_type);
        assert_eq!(
            pending.finish(response, NOW).unwrap().outcome,
            GenerateOutcome::OptOut
        );
    }
}

/// A content type that is no envelope's says nothing about the encoding.
#[test]
fn a_mislabelled_response_is_read_as_it_was_sent() {
    let dii = email();
    for encoding in [Encoding::Text, Encoding::Binary] {
        let caller = caller().with_encoding(encoding);
        let (request, pending) = Generate::new(&dii).prepare(&caller, NOW, &mut rng());
        let nonce = opened(&request, encoding).1;
        let json = br#"{"status":"optout"}"#;
        let body = envelope::seal_response(&secret(), json, encoding, NOW, [1; 12], nonce);
        let response = Response::new(200, &body).with_content_type("application/json");
        assert!(pending.finish(response, NOW).is_ok(), "{encoding:?}");
    }
}

/// An answer to one operation is of no use to another that waits.
#[test]
fn an_answer_to_another_operation_is_refused() {
    let dii = email();
    let mut rng = rng();
    let (request, _) = Validate::new("token", &dii).prepare(&caller(), NOW, &mut rng);
    let (_, pending) = Logout::new(&dii).prepare(&caller(), NOW, &mut rng);
    let nonce = opened(&request, Encoding::Text).1;
    let json = br#"{"body":{"optout":"OK"},"status":"success"}"#;
    let body = envelope::seal_response(&secret(), json, Encoding::Text, NOW, [1; 12], nonce);
    let error = pending.finish(Response::new(200, &body), NOW).unwrap_err();
    assert_eq!(error, Error::Envelope(EnvelopeError::NonceMismatch));
}

#[test]
fn good_answers_still_are() {
    let body = format!(r#"{{"status":"success","body":{}}}"#, *identity().to_json());
    assert_eq!(
        generate(&sealed(&body)),
        Ok(GenerateOutcome::Success(identity()))
    );
}
