//! An operator on paper: what it was sent, and answers sealed as it would.

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use serde_json::Value;
use uid2_core::envelope::{self, Encoding, Nonce};
use uid2_core::operation::{
    Action, Caller, Error, Generate, GenerateOutcome, Logout, LogoutOutcome, Refresh,
    RefreshOutcome, RefusalKind, Reply, Request, Response, Validate, ValidateOutcome,
};
use uid2_core::{ClientSecret, Dii, Identity, ResponseKey, Timestamp};

pub(crate) const API_KEY: &str = "UID2-C-L-999-fCXrMM.fsR3mDqAXELtWWMS+xG1s7RdgRTMqdOH2qaAo=";
pub(crate) const SECRET: &str = "DzBzbjTJcYL0swDtFs2krRNu+g1Eokm2tBU4dEuD0Wk=";
pub(crate) const RESPONSE_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
pub(crate) const EMAIL: &str = "jane.doe@example.com";
pub(crate) const IV: [u8; 12] = [0x55; 12];

/// An identity as it stands in a response, the retired `user_token` included.
pub(crate) const IDENTITY: &str = r#"{"advertising_token":"A4AAABnewTOKEN","user_token":"old","refresh_token":"AAAAnewREFRESH","identity_expires":1700003600000,"refresh_expires":1700086400000,"refresh_from":1700000900000,"refresh_response_key":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}"#;

pub(crate) fn secret() -> ClientSecret {
    SECRET.parse().unwrap()
}

pub(crate) fn caller() -> Caller {
    Caller::new(API_KEY.parse().unwrap(), secret())
}

pub(crate) fn email() -> Dii {
    Dii::email(EMAIL).unwrap()
}

pub(crate) fn identity() -> Identity {
    Identity::from_json(IDENTITY.as_bytes()).unwrap()
}

pub(crate) fn identity_without_key() -> Identity {
    let mut members: Value = serde_json::from_str(IDENTITY).unwrap();
    members
        .as_object_mut()
        .unwrap()
        .remove("refresh_response_key");
    Identity::from_json(members.to_string().as_bytes()).unwrap()
}

pub(crate) fn rng() -> ChaCha20Rng {
    ChaCha20Rng::from_seed([7; 32])
}

/// What was sealed into a request, as JSON, and its nonce.
pub(crate) fn opened(request: &Request, encoding: Encoding) -> (Value, Nonce) {
    let opened = envelope::open_request(&secret(), request.body(), encoding).unwrap();
    assert_eq!(opened.timestamp(), NOW);
    let json = serde_json::from_slice(opened.payload()).unwrap();
    (json, opened.nonce())
}

/// What an operator answers with.
#[derive(Clone)]
pub(crate) enum Answer {
    /// A sealed 200.
    Sealed(String),
    /// An HTTP status and a body as it is.
    Plain(u16, Vec<u8>),
}

pub(crate) fn sealed(json: &str) -> Answer {
    Answer::Sealed(json.to_owned())
}

pub(crate) fn plain(http_status: u16, body: &str) -> Answer {
    Answer::Plain(http_status, body.as_bytes().to_vec())
}

/// `{"status": …, "message": …}` with an HTTP status.
pub(crate) fn refused(http_status: u16, status: &str, message: &str) -> Answer {
    let body = serde_json::json!({"status": status, "message": message});
    plain(http_status, &body.to_string())
}

impl Answer {
    fn bytes(&self, encoding: Encoding, nonce: Nonce) -> (u16, Vec<u8>) {
        match self {
            Self::Plain(http_status, body) => (*http_status, body.clone()),
            Self::Sealed(json) => {
                let json = json.as_bytes();
                let body = envelope::seal_response(&secret(), json, encoding, NOW, IV, nonce);
                (200, body)
            }
        }
    }

    fn refresh_bytes(&self, encoding: Encoding) -> (u16, Vec<u8>) {
        match self {
            Self::Plain(http_status, body) => (*http_status, body.clone()),
            Self::Sealed(json) => {
                let key = ResponseKey::parse(RESPONSE_KEY).unwrap();
                (
                    200,
                    envelope::seal_refresh_response(&key, json.as_bytes(), encoding, IV),
                )
            }
        }
    }
}

pub(crate) fn generate(answer: &Answer) -> Result<GenerateOutcome, Error> {
    generate_as(&caller(), answer).map(|reply| reply.outcome)
}

pub(crate) fn generate_as(
    caller: &Caller,
    answer: &Answer,
) -> Result<Reply<GenerateOutcome>, Error> {
    let dii = email();
    let (request, pending) = Generate::new(&dii).prepare(caller, NOW, &mut rng());
    let encoding = sent_as(&request);
    let (status, body) = answer.bytes(encoding, opened(&request, encoding).1);
    pending.finish(Response::new(status, &body), NOW)
}

pub(crate) fn validate(answer: &Answer) -> Result<ValidateOutcome, Error> {
    let dii = email();
    let (request, pending) = Validate::new("A4AAAAtoken", &dii).prepare(&caller(), NOW, &mut rng());
    let (status, body) = answer.bytes(Encoding::Text, opened(&request, Encoding::Text).1);
    pending
        .finish(Response::new(status, &body), NOW)
        .map(|reply| reply.outcome)
}

pub(crate) fn logout(answer: &Answer) -> Result<LogoutOutcome, Error> {
    let dii = email();
    let (request, pending) = Logout::new(&dii).prepare(&caller(), NOW, &mut rng());
    let (status, body) = answer.bytes(Encoding::Text, opened(&request, Encoding::Text).1);
    pending
        .finish(Response::new(status, &body), NOW)
        .map(|reply| reply.outcome)
}

pub(crate) fn refresh(answer: &Answer) -> Result<RefreshOutcome, Error> {
    refresh_of(&identity(), &caller(), answer)
}

pub(crate) fn refresh_of(
    identity: &Identity,
    caller: &Caller,
    answer: &Answer,
) -> Result<RefreshOutcome, Error> {
    let (request, pending) = Refresh::new(identity).prepare(caller);
    let (status, body) = answer.refresh_bytes(sent_as(&request));
    let reply = pending.finish(Response::new(status, &body))?;
    assert_eq!((reply.server_time, reply.skew), (None, None));
    Ok(reply.outcome)
}

fn sent_as(request: &Request) -> Encoding {
    let content_type = header(request, "content-type").unwrap();
    Encoding::from_content_type(&content_type).unwrap()
}

pub(crate) fn header(request: &Request, name: &str) -> Option<String> {
    let mut headers = request.headers();
    headers
        .find(|header| header.name == name)
        .map(|header| header.value.to_owned())
}

/// Asserts a refusal, and that the words of the operator are all there.
#[track_caller]
pub(crate) fn assert_refused(
    error: &Error,
    kind: RefusalKind,
    action: Action,
    words: (u16, &str, Option<&str>),
) {
    let Error::Refused(refusal) = error else {
        panic!("not a refusal: {error:?}");
    };
    assert_eq!(refusal.kind(), kind, "{words:?}");
    assert_eq!(error.action(), action, "{words:?}");
    let (http_status, status, message) = words;
    assert_eq!(refusal.http_status(), http_status);
    assert_eq!(error.http_status(), Some(http_status));
    assert_eq!(refusal.status(), status);
    assert_eq!(refusal.message(), message);
    // And in print, for whoever has only that.
    let text = error.to_string();
    assert!(text.contains(&format!("HTTP {http_status}")), "{text}");
    assert!(text.contains(status), "{text}");
    assert!(text.contains(message.unwrap_or_default()), "{text}");
}

/// A table of refusals: HTTP status, `status`, `message`, kind and action.
pub(crate) type Refusals<'a> = &'a [(u16, &'a str, &'a str, RefusalKind, Action)];

#[track_caller]
pub(crate) fn assert_table<T: std::fmt::Debug>(
    table: Refusals<'_>,
    operation: impl Fn(&Answer) -> Result<T, Error>,
) {
    for (http_status, status, message, kind, action) in table {
        let error = operation(&refused(*http_status, status, message)).unwrap_err();
        assert_refused(
            &error,
            *kind,
            *action,
            (*http_status, status, Some(message)),
        );
    }
}
