"""What bidders and sharers do: decrypt and encrypt tokens."""

import datetime as dt

from mapping import raw_uid
from operators import EUID, OPERATOR, OTHER, SITE
from publisher import EMAIL, INPUTS, PHONE, SUFFICIENT_CONSENT, generate, refresh
from report import Deviates, Failed, data, expect, expect_equal, row, token
from uid2_client import (
    DecryptionStatus,
    EncryptionError,
    EuidClientFactory,
    IdentityMapInput,
    IdentityScope,
    TokenGenerateInput,
    UID2TokenGenerator,
    Uid2ClientFactory,
    decrypt_data,
    encrypt_data,
)
from uid2_client.identity_type import IdentityType

DOMAIN = "example.com"
KINDS = {
    "email": IdentityType.Email,
    "email-hash": IdentityType.Email,
    "raw-email": IdentityType.Email,
    "phone": IdentityType.Phone,
    "phone-hash": IdentityType.Phone,
    "raw-phone": IdentityType.Phone,
}


def own_raw_uid(kind=IdentityType.Email):
    if kind == IdentityType.Email:
        return raw_uid(IdentityMapInput.from_emails, EMAIL)
    return raw_uid(IdentityMapInput.from_phones, PHONE)


def decrypts(refreshed=False):
    """Tokens of all kinds of input carry the raw UID that mapping tells."""
    client = OPERATOR.bidstream()
    for name, kind in KINDS.items():
        identity = generate(INPUTS[name]())
        if refreshed:
            identity = refresh(identity)
        found = client.decrypt_token_into_raw_uid(identity.get_advertising_token(), DOMAIN)
        expect(found.success, f"{name}: {found.status}")
        expect_equal(found.uid, own_raw_uid(kind), f"{name}: raw UID")
        expect_equal(found.identity_type, kind, f"{name}: type")
        expect_equal(found.site_id, SITE, f"{name}: site")
        expiry = round(found.expiry.timestamp() * 1000)
        expect_equal(expiry, identity.get_identity_expires(), f"{name}: expiry")


def sharing_tokens_are_not_for_bids():
    shared = share(OPERATOR.sharing(), own_raw_uid())
    found = OPERATOR.bidstream().decrypt_token_into_raw_uid(shared, DOMAIN)
    expect_equal(found.status, DecryptionStatus.INVALID_TOKEN_LIFETIME, "status")


def altered_tokens_are_refused():
    text = generate(INPUTS["email"]()).get_advertising_token()
    altered = text[:100] + ("A" if text[100] != "A" else "B") + text[101:]
    try:
        found = OPERATOR.bidstream().decrypt_token_into_raw_uid(altered, DOMAIN)
    except EncryptionError:
        return
    raise Failed(f"an altered token: {found.status}")


def share(client, uid):
    response = client.encrypt_raw_uid_into_token(uid)
    expect(response.success, f"{response.status}")
    return response.encrypted_data


def shares():
    client = OPERATOR.sharing()
    for kind in (IdentityType.Email, IdentityType.Phone):
        uid = own_raw_uid(kind)
        shared = share(client, uid)
        found = client.decrypt_token_into_raw_uid(shared)
        expect(found.success, f"{found.status}")
        expect_equal(found.uid, uid, "raw UID")
        expect_equal(found.site_id, SITE, "site")
        token(f"shared {kind.name}", shared, uid, SITE)


def keeps_the_type():
    uid = own_raw_uid(IdentityType.Phone)
    client = OPERATOR.sharing()
    found = client.decrypt_token_into_raw_uid(share(client, uid))
    if found.identity_type != IdentityType.Phone:
        raise Deviates(
            "writes a token that says it is of an e-mail address for a phone's raw UID of version 4",
            "says phone in the tokens that it mints for this raw UID",
        )


def another_reads_what_was_shared():
    uid = own_raw_uid()
    found = OTHER.sharing().decrypt_token_into_raw_uid(share(OPERATOR.sharing(), uid))
    expect(found.success, f"{found.status}")
    expect_equal(found.uid, uid, "raw UID")


def legacy_client():
    client = Uid2ClientFactory.create(*OPERATOR.credentials)
    client.refresh_keys()
    uid = own_raw_uid()
    shared = client.encrypt(uid)
    expect_equal(client.decrypt(shared).uid, uid, "raw UID")
    token("shared by Uid2Client", shared, uid, SITE)


def legacy_data():
    keys = Uid2ClientFactory.create(*OPERATOR.credentials).refresh_keys()
    key = keys.get_default_keyset_key(dt.datetime.now(tz=dt.timezone.utc))
    plain = b"some data"
    sealed = encrypt_data(plain, IdentityScope.UID2, key=key)
    expect_equal(decrypt_data(sealed, keys).data, plain, "data")
    data("encrypt_data", sealed, plain)
    v2 = UID2TokenGenerator.encrypt_data_v2(plain, key, SITE, dt.datetime.now(tz=dt.timezone.utc))
    expect_equal(decrypt_data(v2, keys).data, plain, "data of version 2")
    data("encrypt_data_v2", v2, plain)


def mints(version):
    """An advertising token by the SDK's own generator."""
    keys = Uid2ClientFactory.create(*OPERATOR.credentials).refresh_keys()
    now = dt.datetime.now(tz=dt.timezone.utc)
    mint = getattr(UID2TokenGenerator, f"generate_uid2_token_{version}")
    for kind in (IdentityType.Email, IdentityType.Phone):
        uid = own_raw_uid(kind)
        minted = mint(uid, keys.get_master_key(now), SITE, keys.get_default_keyset_key(now))
        found = OPERATOR.bidstream().decrypt_token_into_raw_uid(minted, DOMAIN)
        expect(found.success, f"{found.status}")
        expect_equal(found.uid, uid, "raw UID")
        token(f"minted {version} {kind.name}", minted, uid, SITE)


def shares_euid():
    uid = raw_uid(IdentityMapInput.from_emails, EMAIL, EUID)
    client = EUID.sharing()
    shared = share(client, uid)
    expect_equal(client.decrypt_token_into_raw_uid(shared).uid, uid, "raw UID")
    token("shared EUID", shared, uid, SITE, scope="EUID")
    legacy = EuidClientFactory.create(*EUID.credentials)
    legacy.refresh_keys()
    token("shared by an EUID client", legacy.encrypt(uid), uid, SITE, scope="EUID")


def decrypts_euid():
    dii = TokenGenerateInput.from_email(EMAIL)
    identity = generate(dii.with_transparency_and_consent_string(SUFFICIENT_CONSENT), EUID)
    found = EUID.bidstream().decrypt_token_into_raw_uid(identity.get_advertising_token(), DOMAIN)
    expect(found.success, f"{found.status}")
    expect_equal(found.uid, raw_uid(IdentityMapInput.from_emails, EMAIL, EUID), "raw UID")
    expect_equal(found.identity_scope, IdentityScope.EUID, "scope")


def rows():
    row("decrypt", decrypts)
    row("decrypt-refreshed", lambda: decrypts(refreshed=True))
    row("decrypt-sharing", sharing_tokens_are_not_for_bids)
    row("decrypt-altered", altered_tokens_are_refused)
    row("share", shares)
    row("share-type", keeps_the_type)
    row("share-with-other", another_reads_what_was_shared)
    row("legacy-client", legacy_client)
    row("legacy-data", legacy_data)
    for version in ("v2", "v3", "v4"):
        row(f"mint-{version}", lambda version=version: mints(version))
    row("euid-decrypt", decrypts_euid)
    row("euid-share", shares_euid)
