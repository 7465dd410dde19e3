//! What is set, by its looks.

use uid2_core::{ApiKey, BaseUrl, ClientSecret, Environment, KeyEnvironment, Scope};

use super::check::Check;
use crate::credentials::{Given, Hidden, read_api_key, read_base_url, read_secret};

/// Of what is set, that which can be used.
pub(super) struct Setup {
    pub(super) base_url: Option<BaseUrl>,
    pub(super) api_key: Option<ApiKey>,
    pub(super) secret: Option<ClientSecret>,
}

/// Where a base URL leads to, if it is one that is known.
struct Place {
    scope: Scope,
    production: bool,
}

const PORTAL: &str = "the UID2 Portal, or whoever set up the account, has it";

impl Setup {
    /// Looks at each of the three, and at whether they go together.
    pub(super) fn examine(given: &Given) -> (Vec<Check>, Self) {
        let mut checks = Vec::new();
        let base_url = check_base_url(given.base_url.as_deref(), &mut checks);
        let api_key = check_api_key(given.api_key.as_ref(), &mut checks);
        let secret = check_secret(given.secret.as_ref(), &mut checks);
        let setup = Self {
            base_url,
            api_key,
            secret,
        };
        checks.push(setup.check_environment());
        (checks, setup)
    }

    /// Keys of one environment mean nothing in another.
    fn check_environment(&self) -> Check {
        const NAME: &str = "environment";
        let (Some(url), Some(key)) = (&self.base_url, &self.api_key) else {
            return Check::skip(NAME, "needs a base URL and an API key");
        };
        let (Some(scope), Some(environment)) = (key.scope(), key.environment()) else {
            return Check::ok(
                NAME,
                "an API key of the old form does not tell its environment",
            );
        };
        let Some(place) = place(url) else {
            return match environment {
                KeyEnvironment::Production if is_local(url) => Check::fail(
                    NAME,
                    "an API key of production for an operator on this machine",
                    "set the key that the local operator prints, or the base URL of production",
                ),
                _ => Check::ok(NAME, "the base URL is none of the service's own"),
            };
        };
        if place.scope != scope {
            let (key, url) = (name(scope), name(place.scope));
            return Check::fail(
                NAME,
                format!("the API key is of {key}, the base URL of {url}"),
                format!("set the base URL of {key}, or an API key of {url}"),
            );
        }
        let wanted = match place.production {
            true => KeyEnvironment::Production,
            false => KeyEnvironment::Integration,
        };
        if environment == wanted {
            return Check::ok(
                NAME,
                format!("API key and base URL are both of {}", shown(wanted)),
            );
        }
        Check::fail(
            NAME,
            format!(
                "the API key is of {}, the base URL of {}",
                shown(environment),
                shown(wanted)
            ),
            format!(
                "set the base URL of {}, or an API key of {}",
                shown(environment),
                shown(wanted)
            ),
        )
    }
}

fn check_base_url(url: Option<&str>, checks: &mut Vec<Check>) -> Option<BaseUrl> {
    const NAME: &str = "base URL";
    let Some(url) = url else {
        checks.push(Check::fail(
            NAME,
            "UID2_BASE_URL is not set",
            "set it: https://operator-integ.uidapi.com for integration, \
             https://prod.uidapi.com for production, or what `uid2 emulator` prints",
        ));
        return None;
    };
    match read_base_url(url) {
        Ok(url) => {
            checks.push(Check::ok(NAME, url.to_string()));
            Some(url)
        }
        Err(failure) => {
            checks.push(Check::fail(NAME, failure.message, "mend UID2_BASE_URL"));
            None
        }
    }
}

fn check_api_key(key: Option<&Hidden>, checks: &mut Vec<Check>) -> Option<ApiKey> {
    const NAME: &str = "API key";
    let Some(key) = key else {
        checks.push(Check::fail(NAME, "UID2_API_KEY is not set", PORTAL));
        return None;
    };
    let text = key.expose();
    match read_api_key(key) {
        Ok(key) => {
            checks.push(match (key.scope(), key.environment(), key.site_id()) {
                (Some(scope), Some(environment), Some(site)) => {
                    let (scope, environment) = (name(scope), shown(environment));
                    Check::ok(NAME, format!("of {scope}, {environment}, site {site}"))
                }
                _ => Check::warn(
                    NAME,
                    "not of the form UID2-C-…: an old key, or something else",
                    "if the operator does not accept it, see below; ask for a key of today's form",
                ),
            });
            Some(key)
        }
        Err(failure) => {
            let remedy = match text.trim().len() {
                44 => "44 characters: are API key and client secret exchanged?",
                _ => "copy it whole, from UID2-C- to its end",
            };
            checks.push(Check::fail(NAME, failure.message, remedy));
            None
        }
    }
}

fn check_secret(secret: Option<&Hidden>, checks: &mut Vec<Check>) -> Option<ClientSecret> {
    const NAME: &str = "client secret";
    let Some(secret) = secret else {
        checks.push(Check::fail(NAME, "UID2_SECRET_KEY is not set", PORTAL));
        return None;
    };
    let text = secret.expose().trim();
    match read_secret(secret) {
        Ok(secret) => {
            checks.push(Check::ok(NAME, "32 bytes in base64, as it should be"));
            Some(secret)
        }
        Err(failure) => {
            let remedy = match text.starts_with("UID2-") || text.starts_with("EUID-") {
                true => "it looks like an API key: are the two exchanged?",
                false => "copy it whole: 44 characters that end in '='",
            };
            checks.push(Check::fail(NAME, failure.message, remedy));
            None
        }
    }
}

fn place(url: &BaseUrl) -> Option<Place> {
    let known = [
        (Environment::Uid2Integration, false),
        (Environment::Uid2Production, true),
        (Environment::Uid2ProductionUsEast, true),
        (Environment::Uid2ProductionUsWest, true),
        (Environment::Uid2ProductionAustralia, true),
        (Environment::Uid2ProductionJapan, true),
        (Environment::Uid2ProductionSingapore, true),
        (Environment::EuidIntegration, false),
        (Environment::EuidProduction, true),
    ];
    let is_it = |of: &Environment| of.base_url().eq_ignore_ascii_case(url.as_str());
    let (environment, production) = known.into_iter().find(|(of, _)| is_it(of))?;
    Some(Place {
        scope: environment.scope(),
        production,
    })
}

/// Plain http is taken to this machine only.
fn is_local(url: &BaseUrl) -> bool {
    url.as_str().starts_with("http://")
}

const fn name(scope: Scope) -> &'static str {
    match scope {
        Scope::Uid2 => "UID2",
        Scope::Euid => "EUID",
    }
}

const fn shown(environment: KeyEnvironment) -> &'static str {
    match environment {
        KeyEnvironment::Local => "a local operator",
        KeyEnvironment::Test => "a test environment",
        KeyEnvironment::Integration => "integration",
        KeyEnvironment::Production => "production",
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::State;
    use super::*;

    fn environment(url: &str, key: &str) -> (State, String) {
        let setup = Setup {
            base_url: Some(BaseUrl::parse(url).unwrap()),
            api_key: Some(ApiKey::parse(key).unwrap()),
            secret: None,
        };
        let check = setup.check_environment();
        (check.state, check.message)
    }

    #[test]
    fn mix_ups_of_environments() {
        let key = |head: &str| format!("{head}-999-fCXrMM.fsR3mDqAXELtWWMS+xG1s7RdgRTMqdOH2qaAo=");
        let (integ, prod) = (
            "https://operator-integ.uidapi.com",
            "https://jp.prod.uidapi.com",
        );
        let (euid, local) = ("https://prod.euid.eu", "http://localhost:8080");
        for (url, head, state) in [
            (integ, "UID2-C-I", State::Ok),
            (integ, "UID2-C-P", State::Fail),
            (prod, "UID2-C-P", State::Ok),
            (prod, "UID2-C-I", State::Fail),
            (prod, "UID2-C-L", State::Fail),
            (prod, "EUID-C-P", State::Fail),
            (euid, "EUID-C-P", State::Ok),
            (euid, "UID2-C-P", State::Fail),
            (local, "UID2-C-L", State::Ok),
            (local, "UID2-C-P", State::Fail),
            ("https://private.example", "UID2-C-P", State::Ok),
        ] {
            let (found, message) = environment(url, &key(head));
            assert_eq!(found, state, "{url} {head}: {message}");
        }
    }
}
