//! What the network, the operator and its clock say.

use std::time::Instant;

use bytes::Bytes;
use http::{Request, Response};
use uid2_core::operation::{Caller, Generate, GenerateOutcome};
use uid2_core::{ApiKey, BaseUrl, ClientSecret, ClockSkew, Dii, Timestamp};
use uid2_http::TransportErrorKind as Kind;
use uid2_http::{Client, HyperTransport, RetryPolicy, Transport, TransportError};

use super::check::Check;
use super::local::Setup;
use crate::clock;
use crate::failure::Failure;
use crate::output::in_full;

const DNS: &str = "DNS";
const CONNECTION: &str = "connection";
const TLS: &str = "TLS";
const OPERATOR: &str = "operator";
const CLOCK: &str = "clock";
const CREDENTIALS: &str = "credentials";
const ALL: [&str; 6] = [DNS, CONNECTION, TLS, OPERATOR, CLOCK, CREDENTIALS];

/// Always opted out (protocol, section 13): asking for it changes nothing.
const TEST_ADDRESS: &str = "optout@example.com";
/// Requests are refused from 119 seconds on (protocol, section 4).
const CLOCK_FAILS: u64 = 110;
const CLOCK_WARNS: u64 = 10;

pub(super) fn skip_all(checks: &mut Vec<Check>, why: &str) {
    skip_from(DNS, why, checks);
}

/// All from this one on could not be checked.
fn skip_from(first: &str, why: &str, checks: &mut Vec<Check>) {
    let rest = ALL.iter().skip_while(|name| **name != first);
    checks.extend(rest.map(|name| Check::skip(name, why)));
}

pub(super) async fn examine(setup: &Setup, checks: &mut Vec<Check>) {
    let Some(base_url) = &setup.base_url else {
        return skip_from(DNS, "needs a base URL", checks);
    };
    let transport = match HyperTransport::new() {
        Ok(transport) => transport,
        Err(error) => {
            let remedy = "mend HTTPS_PROXY, HTTP_PROXY or ALL_PROXY";
            checks.push(Check::fail(CONNECTION, in_full(&error), remedy));
            return skip_from(TLS, "no connection", checks);
        }
    };
    if !resolve(base_url, checks).await {
        return skip_from(CONNECTION, "the name is not known", checks);
    }
    let Some(response) = ask_for_health(&transport, base_url, checks).await else {
        return;
    };
    check_clock(&response, checks);
    match (&setup.api_key, &setup.secret) {
        (Some(key), Some(secret)) => {
            checks.push(try_credentials(transport, base_url, key, secret).await);
        }
        _ => skip_from(CREDENTIALS, "needs an API key and a client secret", checks),
    }
}

/// The addresses of the host. A proxy may know names that this machine does not.
async fn resolve(base_url: &BaseUrl, checks: &mut Vec<Check>) -> bool {
    let proxied = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    let is_set = |name: &&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let proxy = proxied.iter().find(|name| is_set(name));
    let (host, port) = authority(base_url);
    let found = tokio::net::lookup_host((host.trim_matches(['[', ']']), port)).await;
    match (found.map(|addresses| addresses.count()), proxy) {
        (Ok(count), _) if count > 0 => {
            let word = if count == 1 { "address" } else { "addresses" };
            checks.push(Check::ok(DNS, format!("{host} has {count} {word}")));
            true
        }
        (_, Some(name)) => {
            let why = format!("{host} is not known here, but there is a proxy in {name}");
            checks.push(Check::skip(DNS, why));
            true
        }
        (Ok(_), None) => {
            checks.push(not_known(host, "no addresses"));
            false
        }
        (Err(error), None) => {
            checks.push(not_known(host, &error.to_string()));
            false
        }
    }
}

fn not_known(host: &str, why: &str) -> Check {
    Check::fail(
        DNS,
        format!("{host} could not be resolved: {why}"),
        "check the spelling of the base URL, and the name servers of this machine",
    )
}

/// Host and port of a URL that was checked.
fn authority(base_url: &BaseUrl) -> (&str, u16) {
    let (scheme, rest) = base_url.as_str().split_once("://").unwrap_or_default();
    let authority = rest.split('/').next().unwrap_or_default();
    let usual = if scheme == "http" { 80 } else { 443 };
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().unwrap_or(usual)),
        _ => (authority, usual),
    }
}

/// `GET /ops/healthcheck`, which takes no credentials (protocol, section 2).
async fn ask_for_health(
    transport: &HyperTransport,
    base_url: &BaseUrl,
    checks: &mut Vec<Check>,
) -> Option<Response<Bytes>> {
    let request = Request::get(format!("{base_url}/ops/healthcheck")).body(Bytes::new());
    let request = match request {
        Ok(request) => request,
        Err(error) => {
            checks.push(Check::fail(
                CONNECTION,
                error.to_string(),
                "mend UID2_BASE_URL",
            ));
            skip_from(TLS, "no connection", checks);
            return None;
        }
    };
    let started = Instant::now();
    match transport.send(request).await {
        Ok(response) => {
            let millis = started.elapsed().as_millis();
            checks.push(Check::ok(CONNECTION, format!("answers within {millis} ms")));
            checks.push(match base_url.as_str().starts_with("https") {
                true => Check::ok(TLS, "the certificate is trusted"),
                false => Check::skip(TLS, "plain http, which stays on this machine"),
            });
            checks.push(health(&response));
            Some(response)
        }
        Err(error) => {
            not_answered(&error, checks);
            None
        }
    }
}

/// Tells how far it came.
fn not_answered(error: &TransportError, checks: &mut Vec<Check>) {
    let told = in_full(error);
    let connected = || Check::ok(CONNECTION, "there is somebody");
    match error.kind() {
        Kind::Certificate => {
            checks.push(connected());
            checks.push(Check::fail(
                TLS,
                told,
                "check the name in the base URL and the clock; behind a proxy that opens TLS, add \
                 its certificate authority to the system's roots, or set SSL_CERT_FILE",
            ));
        }
        Kind::Tls => {
            checks.push(connected());
            checks.push(Check::fail(
                TLS,
                told,
                "check the port; is it http, not https?",
            ));
        }
        Kind::NotHttp | Kind::TooLarge | Kind::Reset | Kind::ReadTimeout | Kind::TotalTimeout => {
            checks.push(connected());
            checks.push(Check::skip(TLS, "see below"));
            checks.push(Check::fail(
                OPERATOR,
                told,
                "is it an operator that listens there?",
            ));
            return skip_from(CLOCK, "no answer", checks);
        }
        Kind::Proxy | Kind::ProxyAuthentication => {
            let remedy = "mend HTTPS_PROXY (or ALL_PROXY), or let NO_PROXY name the host";
            checks.push(Check::fail(CONNECTION, told, remedy));
            checks.push(Check::skip(TLS, "no connection"));
        }
        _ => {
            let remedy = "check host and port of the base URL, that the operator runs, and that a \
                          firewall lets this machine out (or set HTTPS_PROXY)";
            checks.push(Check::fail(CONNECTION, told, remedy));
            checks.push(Check::skip(TLS, "no connection"));
        }
    }
    skip_from(OPERATOR, "no connection", checks);
}

fn health(response: &Response<Bytes>) -> Check {
    let status = response.status().as_u16();
    match (status, response.body().trim_ascii()) {
        (200, b"OK") => Check::ok(OPERATOR, "says that it is well"),
        (200, _) => Check::warn(
            OPERATOR,
            "answers its health check with something else than OK",
            "is it an operator that the base URL names, and its root?",
        ),
        (503, _) => Check::warn(
            OPERATOR,
            "says that it is not ready (503)",
            "try again later; a private operator's log says more",
        ),
        (404, _) => Check::warn(
            OPERATOR,
            "has no health check (404)",
            "if credentials fail below: the base URL is only https:// and the host",
        ),
        _ => Check::warn(
            OPERATOR,
            format!("answers its health check with HTTP status {status}"),
            "something stands before the operator: a gateway, or a proxy that wants a login",
        ),
    }
}

/// By the `Date` header, which is exact to the second.
fn check_clock(response: &Response<Bytes>, checks: &mut Vec<Check>) {
    let date = response.headers().get(http::header::DATE);
    let date = date.and_then(|date| date.to_str().ok());
    let Some(server) = date.and_then(|date| httpdate::parse_http_date(date).ok()) else {
        return checks.push(Check::skip(
            CLOCK,
            "the operator does not tell the time here",
        ));
    };
    checks.push(clock(Timestamp::from(server), clock::now()));
}

fn clock(server: Timestamp, here: Timestamp) -> Check {
    const REMEDY: &str = "set the clock of this machine (timedatectl set-ntp true, or chrony)";
    let skew = ClockSkew::between(server, here);
    let seconds = skew.magnitude().as_secs();
    let direction = match skew.server_ahead_millis() > 0 {
        true => "behind",
        false => "ahead of",
    };
    if seconds <= 2 {
        return Check::ok(CLOCK, "goes with the operator's");
    }
    let told = format!("{seconds} s {direction} the operator's");
    match seconds {
        CLOCK_FAILS.. => Check::fail(
            CLOCK,
            format!("{told}: it refuses requests that are two minutes off"),
            REMEDY,
        ),
        CLOCK_WARNS.. => Check::warn(CLOCK, told, REMEDY),
        _ => Check::ok(CLOCK, told),
    }
}

/// A call that changes nothing.
async fn try_credentials(
    transport: HyperTransport,
    base_url: &BaseUrl,
    key: &ApiKey,
    secret: &ClientSecret,
) -> Check {
    let dii = match Dii::email(TEST_ADDRESS) {
        Ok(dii) => dii,
        Err(error) => return Check::fail(CREDENTIALS, error.to_string(), "please report this"),
    };
    let caller = Caller::new(key.clone(), secret.clone());
    let client = Client::builder(caller, base_url.clone())
        .retry(RetryPolicy::never())
        .build(transport);
    match client.generate(&Generate::new(&dii)).await {
        Ok(reply) => match reply.outcome {
            GenerateOutcome::OptOut => Check::ok(
                CREDENTIALS,
                "accepted: the test address is opted out, as it always is",
            ),
            _ => Check::warn(
                CREDENTIALS,
                format!("accepted, but {TEST_ADDRESS} is not opted out there"),
                "is it an operator of the service? Its test identities should be known to it",
            ),
        },
        Err(error) => {
            let failure = Failure::from(error);
            let remedy = remedy(failure.kind);
            Check::fail(CREDENTIALS, failure.message, remedy)
        }
    }
}

fn remedy(kind: &str) -> &'static str {
    match kind {
        "unauthorized" => {
            "the key is not known there, disabled, or may not generate tokens: check that it \
             was made for this environment, and has the role GENERATOR"
        }
        "wrong_secret" => "the client secret is not the one of this API key: set both anew",
        "clock_drift" => "set the clock of this machine",
        "not_found" => "the base URL is only https:// and the host: no path",
        "redirected" => "set the base URL that it redirects to, if it is the service's",
        "not_an_operator" | "not_sealed" | "not_http" => {
            "something else answers there: a gateway, a login page, another service"
        }
        "rate_limited" | "unavailable" | "timeout" => "try again later",
        _ => "see the message; `uid2 token generate --email user@example.com` tries a real one",
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::State;
    use super::*;

    #[test]
    fn authorities() {
        for (url, expected) in [
            ("https://a.example", ("a.example", 443)),
            ("https://a.example:8443/path", ("a.example", 8443)),
            ("http://localhost", ("localhost", 80)),
            ("http://[::1]", ("[::1]", 80)),
            ("http://[::1]:8080", ("[::1]", 8080)),
        ] {
            assert_eq!(authority(&BaseUrl::parse(url).unwrap()), expected);
        }
    }

    #[test]
    fn clocks() {
        let here = Timestamp::from_secs(1_000_000);
        for (seconds, state, says) in [
            (0, State::Ok, "goes with"),
            (-5, State::Ok, "5 s ahead"),
            (30, State::Warn, "30 s behind"),
            (-3600, State::Fail, "3600 s ahead"),
        ] {
            let check = clock(Timestamp::from_secs(1_000_000 + seconds), here);
            assert_eq!(check.state, state, "{}", check.message);
            assert!(check.message.contains(says), "{}", check.message);
        }
    }
}
