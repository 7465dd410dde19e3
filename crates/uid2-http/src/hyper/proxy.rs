//! Which proxy to use for which server.

use http::Uri;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use uid2_core::BaseUrl;

use super::builder::HyperTransportError;

/// Rules as curl has them, with two differences: this machine is never reached
/// through a proxy of the environment, and a proxy that cannot be used is an
/// error instead of none.
#[derive(Debug)]
pub(super) struct ProxyRules {
    matcher: Option<Matcher>,
    even_to_this_machine: bool,
}

impl ProxyRules {
    pub(super) const fn none() -> Self {
        Self {
            matcher: None,
            even_to_this_machine: false,
        }
    }

    /// This proxy for everything.
    pub(super) fn all(url: &str) -> Result<Self, HyperTransportError> {
        check(url)?;
        Ok(Self {
            matcher: Some(Matcher::builder().all(url).build()),
            even_to_this_machine: true,
        })
    }

    /// `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, or in lower case.
    pub(super) fn from_env() -> Result<Self, HyperTransportError> {
        Self::from_vars(|name| std::env::var(name).ok())
    }

    fn from_vars(var: impl Fn(&str) -> Option<String>) -> Result<Self, HyperTransportError> {
        let first = |upper: &str| {
            let value = var(upper).or_else(|| var(&upper.to_ascii_lowercase()));
            value.unwrap_or_default().trim().to_owned()
        };
        let mut builder = Matcher::builder().no(first("NO_PROXY"));
        for name in ["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY"] {
            let url = first(name);
            if url.is_empty() {
                continue;
            }
            // Under CGI, this variable is the `Proxy` header of whoever asks.
            if name == "HTTP_PROXY" && var("REQUEST_METHOD").is_some() {
                continue;
            }
            check(&url)?;
            builder = match name {
                "ALL_PROXY" => builder.all(url),
                "HTTPS_PROXY" => builder.https(url),
                _ => builder.http(url),
            };
        }
        Ok(Self {
            matcher: Some(builder.build()),
            even_to_this_machine: false,
        })
    }

    pub(super) fn of(&self, uri: &Uri) -> Option<Intercept> {
        if !self.even_to_this_machine && is_this_machine(uri) {
            return None;
        }
        self.matcher.as_ref()?.intercept(uri)
    }
}

/// Whether a matcher can make use of a proxy's URL. It may have a password in
/// it, so nothing of it is told.
fn check(url: &str) -> Result<(), HyperTransportError> {
    let any = Uri::from_static("https://operator.invalid/");
    let proxy = Matcher::builder()
        .all(url)
        .build()
        .intercept(&any)
        .ok_or(HyperTransportError::Proxy)?;
    match proxy.uri().scheme_str() {
        Some("http" | "https") => Ok(()),
        _ => Err(HyperTransportError::ProxyScheme),
    }
}

/// By the rule that lets a base URL be plain `http`.
pub(super) fn is_this_machine(uri: &Uri) -> bool {
    uri.authority()
        .is_some_and(|authority| BaseUrl::parse(&format!("http://{authority}")).is_ok())
}
