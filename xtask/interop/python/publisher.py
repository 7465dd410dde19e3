"""What a publisher does: generate, refresh, and take no for an answer."""

import time
from urllib.error import HTTPError

from operators import EUID, OPERATOR, SHORT_LIVED
from report import Deviates, Failed, expect, expect_equal, row
from uid2_client import TokenGenerateInput
from uid2_client.identity_tokens import IdentityTokens
from uid2_client.input_util import get_base64_encoded_hash

EMAIL = "interop@example.com"
PHONE = "+12345678902"
SUFFICIENT_CONSENT = "CPhJRpMPhJRpMABAMBFRACBoALAAAEJAAIYgAKwAQAKgArABAAqAAA"
INSUFFICIENT_CONSENT = "CPehXK9PehXK9ABAMBFRACBoADAAAEJAAIYgAKwAQAKgArABAAqAAA"


def hashed(dii):
    return get_base64_encoded_hash(dii)


#: How a publisher may say whom it means, and what this SDK then sends.
INPUTS = {
    "email": lambda: TokenGenerateInput.from_email(EMAIL),
    "phone": lambda: TokenGenerateInput.from_phone(PHONE),
    "email-hash": lambda: TokenGenerateInput.from_hashed_email(hashed(EMAIL)),
    "phone-hash": lambda: TokenGenerateInput.from_hashed_phone(hashed(PHONE)),
    "raw-email": lambda: TokenGenerateInput.from_email(EMAIL).do_not_hash(),
    "raw-phone": lambda: TokenGenerateInput.from_phone(PHONE).do_not_hash(),
}


def generate(dii, operator=OPERATOR):
    """An identity, of somebody who has not opted out."""
    response = operator.publisher().generate_token(dii)
    expect(response.is_success() and not response.is_optout(), f"status {response.status}")
    identity = response.get_identity()
    check_identity(identity)
    return identity


def check_identity(identity):
    now = time.time() * 1000
    expect(len(identity.get_advertising_token()) in (218, 219), "length of the token")
    expect_equal(len(identity.get_refresh_token()), 388, "length of the refresh token")
    expect_equal(len(identity.get_refresh_response_key()), 44, "length of the response key")
    expect(
        now < identity.get_refresh_from() <= identity.get_identity_expires(),
        "refresh_from is not between now and identity_expires",
    )
    expect(
        identity.get_identity_expires() <= identity.get_refresh_expires(),
        "identity_expires is after refresh_expires",
    )


def refresh(identity, operator=OPERATOR):
    response = operator.publisher().refresh_token(identity)
    expect(response.is_success(), f"status {response.status}")
    refreshed = response.get_identity()
    check_identity(refreshed)
    expect(
        refreshed.get_advertising_token() != identity.get_advertising_token(),
        "the token is the same",
    )
    return refreshed


def refreshes():
    first = generate(INPUTS["email"]())
    second = refresh(first)
    refresh(second)
    # A refresh token may be used more than once.
    refresh(first)


def carries_json():
    identity = generate(INPUTS["phone"]())
    read = IdentityTokens.from_json_string(identity.get_json_string())
    expect_equal(
        read.get_advertising_token(), identity.get_advertising_token(), "the token after JSON"
    )
    refresh(read)


def opted_out_at_generate():
    for dii in (
        TokenGenerateInput.from_email("optout@example.com"),
        TokenGenerateInput.from_phone("+00000000000"),
        TokenGenerateInput.from_hashed_email(hashed("optout@example.com")),
        TokenGenerateInput.from_hashed_phone(hashed("+00000000000")),
    ):
        response = OPERATOR.publisher().generate_token(dii)
        expect(response.is_optout() and not response.is_success(), f"status {response.status}")
        expect(response.get_identity() is None, "an identity of who opted out")


def opted_out_at_refresh():
    for dii in (
        TokenGenerateInput.from_email("refresh-optout@example.com"),
        TokenGenerateInput.from_phone("+00000000002"),
    ):
        response = OPERATOR.publisher().refresh_token(generate(dii))
        expect(response.is_optout() and not response.is_success(), f"status {response.status}")
        expect(response.get_identity() is None, "an identity of who opted out")


def refused(call, code, reason):
    """The call is refused with this code, and for this reason, if there is one."""
    try:
        call()
    except HTTPError as error:
        expect_equal(error.code, code, "code")
        body = error.read().decode()
        expect(reason in body, f"{reason!r} is not in {body!r}")
    else:
        raise Failed("was not refused")


def wrong_key():
    stranger = OPERATOR.with_key("UID2-C-L-999-AAAAAA.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
    publisher = stranger.publisher()
    refused(lambda: publisher.generate_token(INPUTS["email"]()), 401, '"unauthorized"')


def wrong_secret():
    """And the caller gets to know why."""
    stranger = OPERATOR.with_secret("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
    publisher = stranger.publisher()
    refused(
        lambda: publisher.generate_token(INPUTS["email"]()),
        400,
        "Check encryption key (ClientSecret)",
    )


def tells_time():
    """When a token is due for refresh, expired, and beyond refresh."""
    identity = generate(INPUTS["email"](), SHORT_LIVED)
    expect(not identity.is_due_for_refresh(), "a new token is due for refresh")
    end = identity.get_refresh_expires() / 1000
    time.sleep(max(0.0, end - time.time()) + 0.1)
    refused(lambda: SHORT_LIVED.publisher().refresh_token(identity), 400, '"expired_token"')
    said = (identity.is_due_for_refresh(), identity.is_refreshable())
    if said == (True, False):
        return
    raise Deviates(
        f"after refresh_expires: is_due_for_refresh() is {said[0]}, is_refreshable() is {said[1]}"
        " (compares seconds of its clock with the milliseconds of the operator)",
        "times are milliseconds; the refresh is refused: 400 expired_token",
    )


def consents():
    dii = TokenGenerateInput.from_email(EMAIL)
    generate(dii.with_transparency_and_consent_string(SUFFICIENT_CONSENT), EUID)


def does_not_consent():
    dii = TokenGenerateInput.from_email(EMAIL)
    dii.with_transparency_and_consent_string(INSUFFICIENT_CONSENT)
    try:
        EUID.publisher().generate_token(dii)
    except ValueError as error:
        expect("insufficient_user_consent" in str(error), f"other reason: {error}")
    else:
        raise Failed("a token without consent")


def euid_has_no_phones():
    publisher = EUID.publisher()
    refused(
        lambda: publisher.generate_token(INPUTS["phone"]()),
        400,
        "exactly one of email or email_hash must be specified",
    )


def rows():
    for name, dii in INPUTS.items():
        row(f"generate-{name}", lambda dii=dii: generate(dii()))
    row("generate-optout", opted_out_at_generate)
    row("refresh", refreshes)
    row("refresh-optout", opted_out_at_refresh)
    row("identity-json", carries_json)
    row("wrong-key", wrong_key)
    row("wrong-secret", wrong_secret)
    row("times", tells_time)
    row("euid-generate", consents)
    row("euid-no-consent", does_not_consent)
    row("euid-no-phone", euid_has_no_phones)
