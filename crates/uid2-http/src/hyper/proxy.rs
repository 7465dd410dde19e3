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

#[cfg(test)]
mod tests {
    use super::*;

    /// The proxy that these variables give for a URL, as `scheme://host:port`.
    fn proxy(vars: &[(&str, &str)], url: &str) -> Option<String> {
        let rules = rules(vars).unwrap();
        let proxy = rules.of(&url.parse().unwrap())?;
        Some(proxy.uri().to_string())
    }

    fn rules(vars: &[(&str, &str)]) -> Result<ProxyRules, HyperTransportError> {
        ProxyRules::from_vars(|name| {
            let found = vars.iter().find(|(var, _)| *var == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn variables_choose_by_scheme() {
        let vars = [
            ("HTTPS_PROXY", "http://secure:1"),
            ("HTTP_PROXY", "http://plain:2"),
            ("ALL_PROXY", "http://all:3"),
        ];
        let https = "https://prod.uidapi.com/";
        let http = "http://operator.example/";
        assert_eq!(proxy(&vars, https).unwrap(), "http://secure:1/");
        assert_eq!(proxy(&vars, http).unwrap(), "http://plain:2/");
        assert_eq!(proxy(&vars[1..], https).unwrap(), "http://all:3/");
        assert_eq!(proxy(&vars[1..2], https), None);
        assert_eq!(proxy(&[], https), None);
        assert_eq!(
            proxy(&[("https_proxy", "lower:4")], https).unwrap(),
            "http://lower:4/"
        );
        assert_eq!(proxy(&[("HTTPS_PROXY", " ")], https), None);
    }

    #[test]
    fn exceptions_are_kept() {
        let vars = |no| [("ALL_PROXY", "http://proxy:1"), ("NO_PROXY", no)];
        let url = "https://prod.uidapi.com/";
        for no in ["*", "uidapi.com", ".uidapi.com", "other, prod.uidapi.com"] {
            assert_eq!(proxy(&vars(no), url), None, "{no}");
        }
        for no in ["", "api.com", "integ.uidapi.com", "10.0.0.0/8"] {
            assert!(proxy(&vars(no), url).is_some(), "{no}");
        }
        assert_eq!(proxy(&vars("10.0.0.0/8"), "https://10.1.2.3/"), None);
    }

    #[test]
    fn this_machine_is_reached_directly_unless_the_proxy_was_given() {
        let vars = [("ALL_PROXY", "http://proxy:1")];
        let given = ProxyRules::all("http://proxy:1").unwrap();
        for url in [
            "http://localhost:8080/",
            "https://LOCALHOST/",
            "http://127.8.8.8/",
            "https://[::1]:8443/",
        ] {
            assert_eq!(proxy(&vars, url), None, "{url}");
            assert!(given.of(&url.parse().unwrap()).is_some(), "{url}");
        }
        assert!(proxy(&vars, "http://localhost.example/").is_some());
    }

    #[test]
    fn what_cannot_be_used_is_an_error_and_not_ignored() {
        for (name, value) in [
            ("HTTPS_PROXY", "http://a b"),
            ("ALL_PROXY", "ftp://proxy"),
            ("http_proxy", "http://"),
        ] {
            let error = rules(&[(name, value)]).unwrap_err();
            assert!(matches!(error, HyperTransportError::Proxy), "{value}");
        }
        let error = rules(&[("ALL_PROXY", "socks5h://proxy:1080")]).unwrap_err();
        assert!(matches!(error, HyperTransportError::ProxyScheme));
    }

    /// "httpoxy": under CGI, whoever asks sets this variable by a header.
    #[test]
    fn cgi_does_not_choose_the_proxy() {
        let vars = [
            ("REQUEST_METHOD", "GET"),
            ("HTTP_PROXY", "http://evil:1"),
            ("HTTPS_PROXY", "http://good:2"),
        ];
        assert_eq!(proxy(&vars, "http://operator.example/"), None);
        assert!(proxy(&vars, "https://operator.example/").is_some());
    }

    #[test]
    fn credentials_are_not_shown() {
        let rules = ProxyRules::all("http://jane:secret@proxy:1").unwrap();
        let proxy = rules.of(&Uri::from_static("https://prod.uidapi.com"));
        let proxy = proxy.unwrap();
        assert!(proxy.basic_auth().is_some());
        assert!(!format!("{rules:?} {proxy:?}").contains("secret"));
    }
}
