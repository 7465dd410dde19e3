"""What an advertiser does: map identities to raw UIDs, and watch salt buckets."""

import datetime as dt

from operators import EUID, OPERATOR
from publisher import EMAIL, PHONE, hashed
from report import expect, expect_equal, row
from uid2_client import IdentityMapInput, IdentityMapV3Input, UnmappedIdentityReason

OPTED_OUT_EMAIL = "optout@example.com"
OPTED_OUT_PHONE = "+00000000000"
#: Hashes that are none.
NOT_A_HASH = "not-a-hash"


def map_v2(dii, operator=OPERATOR):
    return operator.map_v2().generate_identity_map(dii)


def map_v3(dii, operator=OPERATOR):
    return operator.map_v3().generate_identity_map(dii)


def raw_uid(dii_of, value, operator=OPERATOR):
    """The raw UID of one value."""
    return map_v2(dii_of([value]), operator).mapped_identities[value].get_raw_uid()


def maps_v2(dii_of, values):
    mapped = map_v2(dii_of(values)).mapped_identities
    expect_equal(sorted(mapped), sorted(values), "mapped")
    for identity in mapped.values():
        expect(len(identity.get_raw_uid()) == 44, "length of the raw UID")
        expect(len(identity.get_bucket_id()) >= 9, "length of the bucket id")
    raw_uids = {identity.get_raw_uid() for identity in mapped.values()}
    expect_equal(len(raw_uids), len(values), "raw UIDs of different people")


def people(count=20):
    emails = [f"person{i}@example.com" for i in range(count)]
    phones = [f"+1234567{i:04}" for i in range(count)]
    return emails, phones


def hashes_map_as_what_they_are_of():
    emails, phones = people(4)
    for plain, of_plain, of_hashes in (
        (emails, IdentityMapInput.from_emails, IdentityMapInput.from_hashed_emails),
        (phones, IdentityMapInput.from_phones, IdentityMapInput.from_hashed_phones),
    ):
        for value in plain:
            expect_equal(
                raw_uid(of_hashes, hashed(value)), raw_uid(of_plain, value), "of the hash"
            )


def unmapped_v2():
    good = hashed(EMAIL)
    response = map_v2(
        IdentityMapInput.from_hashed_emails([good, hashed(OPTED_OUT_EMAIL), NOT_A_HASH])
    )
    expect_equal(list(response.mapped_identities), [good], "mapped")
    reasons = {dii: why.get_reason() for dii, why in response.unmapped_identities.items()}
    expect_equal(
        reasons,
        {hashed(OPTED_OUT_EMAIL): "optout", NOT_A_HASH: "invalid identifier"},
        "reasons",
    )


def mixed_v3():
    emails, phones = people(3)
    email_hashes = [hashed(f"hashed{i}@example.com") for i in range(3)]
    phone_hashes = [hashed(f"+9876543{i:04}") for i in range(3)]
    dii = (
        IdentityMapV3Input.from_emails(emails)
        .with_phones(phones)
        .with_hashed_emails(email_hashes)
        .with_hashed_phones(phone_hashes)
    )
    mapped = map_v3(dii).mapped_identities
    expect_equal(
        sorted(mapped), sorted(emails + phones + email_hashes + phone_hashes), "mapped"
    )
    now = dt.datetime.now(tz=dt.timezone.utc)
    for identity in mapped.values():
        expect(len(identity.current_raw_uid) == 44, "length of the raw UID")
        expect(identity.refresh_from > now, "refresh_from has passed")
        expect(identity.current_raw_uid != identity.previous_raw_uid, "previous is current")


def unmapped_v3():
    dii = (
        IdentityMapV3Input.from_emails([EMAIL, OPTED_OUT_EMAIL])
        .with_phone(OPTED_OUT_PHONE)
        .with_hashed_email(NOT_A_HASH)
    )
    response = map_v3(dii)
    expect_equal(list(response.mapped_identities), [EMAIL], "mapped")
    reasons = {who: why.reason for who, why in response.unmapped_identities.items()}
    expect_equal(
        reasons,
        {
            OPTED_OUT_EMAIL: UnmappedIdentityReason.OPTOUT,
            OPTED_OUT_PHONE: UnmappedIdentityReason.OPTOUT,
            NOT_A_HASH: UnmappedIdentityReason.INVALID_IDENTIFIER,
        },
        "reasons",
    )


def both_versions_agree():
    emails, phones = people()
    v3 = map_v3(IdentityMapV3Input.from_emails(emails).with_phones(phones)).mapped_identities
    v2 = map_v2(IdentityMapInput.from_emails(emails)).mapped_identities
    v2.update(map_v2(IdentityMapInput.from_phones(phones)).mapped_identities)
    for who in emails + phones:
        expect_equal(v2[who].get_raw_uid(), v3[who].current_raw_uid, "raw UID")


def buckets():
    client = OPERATOR.map_v2()
    long_ago = dt.datetime(2000, 1, 1, tzinfo=dt.timezone.utc)
    known = {b.get_bucket_id() for b in client.get_identity_buckets(long_ago).buckets}
    emails, _ = people()
    mapped = map_v2(IdentityMapInput.from_emails(emails)).mapped_identities
    used = {identity.get_bucket_id() for identity in mapped.values()}
    expect(used <= known, "a bucket of a mapped identity is not among the buckets")
    for bucket in client.get_identity_buckets(long_ago).buckets:
        dt.datetime.strptime(bucket.get_last_updated(), "%Y-%m-%dT%H:%M:%S.%f")
    soon = dt.datetime.now(tz=dt.timezone.utc) + dt.timedelta(days=1)
    expect_equal(client.get_identity_buckets(soon).buckets, [], "buckets of tomorrow")


def maps_euid():
    mapped = map_v3(IdentityMapV3Input.from_emails([EMAIL]), EUID).mapped_identities
    elsewhere = map_v3(IdentityMapV3Input.from_emails([EMAIL])).mapped_identities
    expect(
        mapped[EMAIL].current_raw_uid != elsewhere[EMAIL].current_raw_uid,
        "EUID and UID2 have the same raw UID",
    )


def rows():
    emails, phones = people()
    row("map-v2-email", lambda: maps_v2(IdentityMapInput.from_emails, emails))
    row("map-v2-phone", lambda: maps_v2(IdentityMapInput.from_phones, phones))
    row("map-v2-hash", hashes_map_as_what_they_are_of)
    row("map-v2-unmapped", unmapped_v2)
    row("map-v3-mixed", mixed_v3)
    row("map-v3-unmapped", unmapped_v3)
    row("map-v2-is-v3", both_versions_agree)
    row("buckets", buckets)
    row("euid-map", maps_euid)
