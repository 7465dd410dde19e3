//! Which endpoint a path is.

use core::sync::atomic::{AtomicU64, Ordering};

use http::Method;

use crate::config::{Role, Roles};

macro_rules! endpoints {
    ($($(#[$doc:meta])* $name:ident = $path:literal,)+) => {
        /// An endpoint of an operator (protocol, sections 2 and 3).
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
        #[non_exhaustive]
        pub enum Endpoint {
            $($(#[$doc])* $name,)+
            /// Any other path: 404.
            Unknown,
        }

        impl Endpoint {
            /// All of them, the unknown included.
            pub const ALL: &[Self] = &[$(Self::$name,)+ Self::Unknown];

            /// Its path; empty for the unknown.
            #[must_use]
            pub const fn path(self) -> &'static str {
                match self {
                    $(Self::$name => $path,)+
                    Self::Unknown => "",
                }
            }

            /// Which one a path is. A slash at its end makes no difference.
            #[must_use]
            pub fn of(path: &str) -> Self {
                match path.trim_end_matches('/') {
                    $($path => Self::$name,)+
                    _ => Self::Unknown,
                }
            }
        }
    };
}

endpoints! {
    /// Whether the operator is well.
    Healthcheck = "/ops/healthcheck",
    /// A first identity for a person.
    TokenGenerate = "/v2/token/generate",
    /// The next identity.
    TokenRefresh = "/v2/token/refresh",
    /// Whether a token is of a person.
    TokenValidate = "/v2/token/validate",
    /// A first identity, asked for by a browser or an app.
    ClientGenerate = "/v2/token/client-generate",
    /// Opts a person out.
    TokenLogout = "/v2/token/logout",
    /// Raw UIDs of people of one kind, with their buckets.
    IdentityMapV2 = "/v2/identity/map",
    /// Raw UIDs of people, with the previous ones.
    IdentityMapV3 = "/v3/identity/map",
    /// Buckets whose salt has changed.
    IdentityBuckets = "/v2/identity/buckets",
    /// Who of some raw UIDs has opted out.
    OptOutStatus = "/v2/optout/status",
    /// Keys to share with.
    KeySharing = "/v2/key/sharing",
    /// Keys to read tokens of the bidstream with.
    KeyBidstream = "/v2/key/bidstream",
    /// All keys that a client may see.
    KeyLatest = "/v2/key/latest",
}

impl Endpoint {
    /// The method it takes; none for the unknown.
    pub(crate) const fn method(self) -> Option<Method> {
        match self {
            Self::Unknown => None,
            Self::Healthcheck => Some(Method::GET),
            _ => Some(Method::POST),
        }
    }

    /// The roles of which a client must have one.
    pub(crate) const fn roles(self) -> Roles {
        match self {
            Self::TokenGenerate | Self::TokenValidate => Roles::of(&[Role::Generator]),
            Self::TokenLogout => Roles::of(&[Role::OptOut]),
            Self::IdentityMapV2 | Self::IdentityMapV3 | Self::IdentityBuckets => {
                Roles::of(&[Role::Mapper])
            }
            Self::OptOutStatus => Roles::of(&[Role::Mapper, Role::Sharer, Role::IdReader]),
            Self::KeySharing => Roles::of(&[Role::Sharer, Role::IdReader]),
            Self::KeyBidstream | Self::KeyLatest => Roles::of(&[Role::IdReader]),
            Self::Healthcheck | Self::TokenRefresh | Self::ClientGenerate | Self::Unknown => {
                Roles::of(&[])
            }
        }
    }
}

/// Requests by endpoint.
#[derive(Default)]
pub(crate) struct Counters([AtomicU64; Endpoint::ALL.len()]);

impl Counters {
    pub(crate) fn count(&self, endpoint: Endpoint) {
        if let Some(counter) = self.0.get(endpoint as usize) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn get(&self, endpoint: Endpoint) -> u64 {
        self.0
            .get(endpoint as usize)
            .map_or(0, |counter| counter.load(Ordering::Relaxed))
    }
}
