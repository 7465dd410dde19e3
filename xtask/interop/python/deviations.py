"""Where official SDKs are known to do other than the operator."""

import http.server
import threading
from urllib.error import HTTPError

from operators import OPERATOR
from publisher import INPUTS, hashed
from report import Deviates, expect, expect_equal, row
from uid2_client import TokenGenerateInput


def raw_uid_of(dii):
    """What is in a token generated for it."""
    identity = OPERATOR.publisher().generate_token(dii).get_identity()
    token = identity.get_advertising_token()
    found = OPERATOR.bidstream().decrypt_token_into_raw_uid(token, "example.com")
    expect(found.success, f"{found.status}")
    return found.uid


def normalizes(email, normalized):
    """Whether the SDK hashes an address as the operator does, which takes it for `normalized`."""
    operators = raw_uid_of(TokenGenerateInput.from_email(email).do_not_hash())
    as_normalized = raw_uid_of(TokenGenerateInput.from_hashed_email(hashed(normalized)))
    expect_equal(operators, as_normalized, "the operator's raw UID")
    if raw_uid_of(TokenGenerateInput.from_email(email)) == operators:
        return
    raise Deviates(
        f"takes {email!r} for another person than the operator does",
        f"takes it for {normalized!r}",
    )


def phone_digits():
    """Digits of other scripts."""
    phone = "+\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668\u0669\u0660"
    try:
        OPERATOR.publisher().generate_token(TokenGenerateInput.from_phone(phone).do_not_hash())
    except HTTPError as error:
        body = error.read().decode()
        expect(error.code == 400 and "Invalid Identifier" in body, f"{error.code} {body}")
    else:
        raise RuntimeError("the operator takes Arabic digits")
    try:
        response = OPERATOR.publisher().generate_token(TokenGenerateInput.from_phone(phone))
    except ValueError:
        return
    expect(response.is_success(), f"status {response.status}")
    raise Deviates(
        "takes digits of any script for a normalized phone number, and gets a token of its hash",
        "takes ASCII digits alone: 400 Invalid Identifier",
    )


class _Recorder(http.server.BaseHTTPRequestHandler):
    """Redirects where it is told to, and keeps the headers of what arrives."""

    def do_POST(self):
        self.server.seen.append(self.headers)
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(302 if self.server.target else 500)
        if self.server.target:
            self.send_header("Location", self.server.target)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST

    def log_message(self, *args):
        pass


def recorder(target=None):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Recorder)
    server.seen = []
    server.target = target
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_port}"


def redirects():
    """What another host gets to see when one that was called redirects there."""
    other, there = recorder()
    first, here = recorder(target=there + "/v2/token/generate")
    try:
        OPERATOR.at(here).publisher().generate_token(INPUTS["email"]())
    except HTTPError:
        pass
    finally:
        first.shutdown()
        other.shutdown()
    expect_equal(len(first.seen), 1, "requests to the first host")
    if not other.seen:
        return
    key = OPERATOR.credentials[1]
    if any(key in headers.get("Authorization", "") for headers in other.seen):
        raise Deviates(
            "follows a redirect to another host, and hands it the API key",
            "never redirects: whoever does is not the operator",
        )
    raise Deviates(
        "follows a redirect to another host, without the API key",
        "never redirects: whoever does is not the operator",
    )


def rows():
    for name, email, normalized in (
        ("email-around", "  Around@Example.com ", "around@example.com"),
        ("email-inner", "in ner@example.com", "inner@example.com"),
        ("email-before-at", "before @example.com", "before@example.com"),
        ("email-domain", "d@exam ple.com", "d@exam ple.com"),
        ("email-gmail", "g.m.ail+x@gmail.com", "gmail@gmail.com"),
        ("email-gmail-space", "g mail@gmail.com", "gmail@gmail.com"),
        ("email-unicode", "\u00dcml\u00e4ut@example.com", "\u00dcml\u00e4ut@example.com"),
    ):
        row(name, lambda email=email, normalized=normalized: normalizes(email, normalized))
    row("phone-digits", phone_digits)
    row("redirect", redirects)
