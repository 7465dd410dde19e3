//! Who signs in.

use uid2_core::Dii;

/// A user of the publisher's: an opaque id, and what they sign in with.
#[derive(Clone, Copy, Debug)]
pub(super) struct User {
    pub(super) id: &'static str,
    /// What kind of DII it is.
    pub(super) kind: Kind,
    /// As the user, or another system of the publisher's, gives it.
    pub(super) given: &'static str,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Email,
    Phone,
    EmailHash,
    PhoneHash,
}

impl User {
    const fn new(id: &'static str, kind: Kind, given: &'static str) -> Self {
        Self { id, kind, given }
    }

    /// What they sign in with, normalized and checked.
    pub(super) fn dii(&self) -> Result<Dii, Box<dyn std::error::Error + Send + Sync>> {
        Ok(match self.kind {
            Kind::Email => Dii::email(self.given)?,
            Kind::Phone => Dii::phone(self.given)?,
            Kind::EmailHash => Dii::email_hash(self.given)?,
            Kind::PhoneHash => Dii::phone_hash(self.given)?,
        })
    }

    pub(super) const fn gives(&self) -> &'static str {
        match self.kind {
            Kind::Email => "an e-mail address",
            Kind::Phone => "a phone number",
            Kind::EmailHash => "the hash of an e-mail address",
            Kind::PhoneHash => "the hash of a phone number",
        }
    }
}

/// Signs in in a way that shows what normalization does.
pub(super) const ALICE: User = User::new("alice", Kind::Email, " Alice.Doe+news@Gmail.com ");
pub(super) const BOB: User = User::new("bob", Kind::Phone, "+12025550123");
/// user@example.com and +12345678901, which only their hashes are known of.
pub(super) const CAROL: User = User::new(
    "carol",
    Kind::EmailHash,
    "tMmiiTI7IaAcPpQPFQ65uMVCWH8av9jw4cwf/F5HVRQ=",
);
pub(super) const DAVE: User = User::new(
    "dave",
    Kind::PhoneHash,
    "EObwtHBUqDNZR33LNSMdtt5cafsYFuGmuY4ZLenlue4=",
);
/// The service's own test identity: has opted out from the start.
pub(super) const ERIN: User = User::new("erin", Kind::Email, "optout@example.com");
/// The service's own test identity: opts out before the first refresh.
pub(super) const FRANK: User = User::new("frank", Kind::Email, "refresh-optout@example.com");
/// Opts out of UID2 while signed in here.
pub(super) const GRACE: User = User::new("grace", Kind::Email, "grace@example.com");
/// Logs out at the worst moment.
pub(super) const HEIDI: User = User::new("heidi", Kind::Email, "heidi@example.com");

/// Those who stay to the end.
pub(super) const FAITHFUL: [User; 4] = [ALICE, BOB, CAROL, DAVE];
