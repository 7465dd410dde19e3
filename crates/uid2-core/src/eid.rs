//! The OpenRTB `eids` entry that carries an advertising token to an SSP.

use alloc::string::String;

use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

use crate::environment::Scope;
use crate::identity::AdvertisingToken;

/// Agent type 3 of OpenRTB: a person-based id, from `AdCOM` list "Agent Types".
const ATYPE_PERSON: u8 = 3;

/// One entry of `user.eids` (OpenRTB 2.6) or `user.ext.eids` (OpenRTB 2.5)
/// (protocol, section 16).
///
/// Serializes as the entry itself; [`to_json`](Self::to_json),
/// [`user_json`](Self::user_json) write it out.
///
/// ```
/// # use uid2_core::{Eid, Identity, OpenRtb, Scope};
/// # let identity = Identity::from_json(br#"{"advertising_token":"TOKEN","refresh_token":"r",
/// #   "refresh_from":1,"identity_expires":2,"refresh_expires":3}"#)?;
/// let eid = Eid::new(Scope::Uid2, identity.advertising_token().clone());
/// assert_eq!(
///     eid.to_json(),
///     r#"{"source":"uidapi.com","uids":[{"id":"TOKEN","atype":3}]}"#,
/// );
/// assert_eq!(
///     eid.user_json(OpenRtb::V2_5),
///     r#"{"ext":{"eids":[{"source":"uidapi.com","uids":[{"id":"TOKEN","atype":3}]}]}}"#,
/// );
/// # Ok::<(), uid2_core::IdentityError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Eid {
    scope: Scope,
    token: AdvertisingToken,
    rti_partner: bool,
}

/// Which OpenRTB an entry is placed for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OpenRtb {
    /// 2.5 and before: `user.ext.eids`.
    V2_5,
    /// 2.6 and after: `user.eids`.
    V2_6,
}

impl Eid {
    /// The entry for a token.
    #[must_use]
    pub const fn new(scope: Scope, token: AdvertisingToken) -> Self {
        Self {
            scope,
            token,
            rti_partner: false,
        }
    }

    /// Adds `"rtiPartner"` beside `id`, as the sample of the UID2 documentation
    /// has it; some SSPs look for it.
    #[must_use]
    pub const fn with_rti_partner(mut self) -> Self {
        self.rti_partner = true;
        self
    }

    /// `uidapi.com` or `euid.eu`.
    #[must_use]
    pub const fn source(&self) -> &'static str {
        match self.scope {
            Scope::Uid2 => "uidapi.com",
            Scope::Euid => "euid.eu",
        }
    }

    /// The entry as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        to_json(self)
    }

    /// A `user` object that has nothing but this entry, as JSON.
    #[must_use]
    pub fn user_json(&self, version: OpenRtb) -> String {
        #[derive(Serialize)]
        struct Eids<'a> {
            eids: [&'a Eid; 1],
        }
        #[derive(Serialize)]
        struct Ext<'a> {
            ext: Eids<'a>,
        }
        let eids = Eids { eids: [self] };
        match version {
            OpenRtb::V2_6 => to_json(&eids),
            OpenRtb::V2_5 => to_json(&Ext { ext: eids }),
        }
    }
}

fn to_json(value: &impl Serialize) -> String {
    // Texts, numbers and lists of them always serialize.
    serde_json::to_string(value).unwrap_or_default()
}

impl Serialize for Eid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut entry = serializer.serialize_struct("Eid", 2)?;
        entry.serialize_field("source", self.source())?;
        entry.serialize_field("uids", &[Uid(self)])?;
        entry.end()
    }
}

struct Uid<'a>(&'a Eid);

impl Serialize for Uid<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let eid = self.0;
        let mut uid = serializer.serialize_struct("Uid", 2 + usize::from(eid.rti_partner))?;
        uid.serialize_field("id", eid.token.as_str())?;
        uid.serialize_field("atype", &ATYPE_PERSON)?;
        if eid.rti_partner {
            let partner = match eid.scope {
                Scope::Uid2 => "UID2",
                Scope::Euid => "EUID",
            };
            uid.serialize_field("rtiPartner", partner)?;
        }
        uid.end()
    }
}
