"""The official Python SDK's side of `cargo xtask compare`: does, and measures, the
work it is told to on standard input, a line of JSON each, and answers with one."""

import datetime as dt
import json
import os
import sys
import threading
import time

from uid2_client import TokenGenerateInput, Uid2PublisherClient
from uid2_client.encryption import _decrypt_gcm
from uid2_client.identity_tokens import IdentityTokens
from uid2_client.input_util import (
    base64_to_byte_array,
    normalize_and_hash_email,
    normalize_and_hash_phone,
)
from uid2_client.request_response_util import create_envelope
from uid2_client.token_refresh_response import TokenRefreshResponse

URL = os.environ["UID2_BASE_URL"]
API_KEY = os.environ["UID2_API_KEY"]
SECRET = os.environ["UID2_SECRET_KEY"]
SECRET_BYTES = base64_to_byte_array(SECRET)

BATCH = 64


def hash_of(text):
    try:
        if "@" in text:
            return normalize_and_hash_email(text)
        return normalize_and_hash_phone(text)
    except ValueError:
        return None


def seal(address):
    """As Uid2PublisherClient.generate_token does before it sends."""
    data = TokenGenerateInput.from_email(address).get_as_json_string().encode()
    now = dt.datetime.now(tz=dt.timezone.utc)
    return create_envelope(SECRET_BYTES, now, data).envelope


def open_answer(identity, answer):
    """As Uid2PublisherClient.refresh_token does with what it received."""
    key = base64_to_byte_array(identity.get_refresh_response_key())
    decrypted = _decrypt_gcm(base64_to_byte_array(answer), key)
    now = dt.datetime.now(tz=dt.timezone.utc)
    return TokenRefreshResponse(decrypted.decode(), now).get_identity()


def repeat(seconds, step):
    start = time.perf_counter()
    count = 0
    while time.perf_counter() - start < seconds:
        for _ in range(BATCH):
            step()
        count += BATCH
    return count, time.perf_counter() - start


def round_trip(client, dii):
    identity = client.generate_token(dii).get_identity()
    following = client.refresh_token(identity).get_identity()
    if following.get_advertising_token() == identity.get_advertising_token():
        raise RuntimeError("the token is the same")


def round_trips(in_flight, seconds):
    client = Uid2PublisherClient(URL, API_KEY, SECRET)
    counts = [None] * in_flight
    start = time.perf_counter()

    def user(at):
        dii = TokenGenerateInput.from_email(f"user-{at}@example.com")
        count = 0
        while time.perf_counter() - start < seconds:
            round_trip(client, dii)
            count += 1
        counts[at] = count

    threads = [threading.Thread(target=user, args=(at,)) for at in range(in_flight)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # None is left by a thread that failed, and cannot be added.
    return sum(counts), time.perf_counter() - start


def measure(asked):
    work, seconds, text = asked["work"], asked["seconds"], asked.get("input")
    if work == "hash-email":
        return repeat(seconds, lambda: normalize_and_hash_email(text))
    if work == "hash-phone":
        return repeat(seconds, lambda: normalize_and_hash_phone(text))
    if work == "seal":
        return repeat(seconds, lambda: seal(text))
    if work == "open":
        identity = IdentityTokens.from_json_string(asked["identity"])
        answer = asked["answer"].encode()
        return repeat(seconds, lambda: open_answer(identity, answer))
    if work == "round-trips":
        return round_trips(asked["in_flight"], seconds)
    raise ValueError(work)


def peak_memory():
    with open("/proc/self/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
    return None


def answer(asked):
    todo = asked["do"]
    if todo == "hash":
        return {"hashes": [hash_of(text) for text in asked["inputs"]]}
    if todo == "seal":
        return {"sealed": seal(asked["input"]).decode()}
    if todo == "open":
        identity = IdentityTokens.from_json_string(asked["identity"])
        opened = open_answer(identity, asked["answer"].encode())
        return {"token": opened.get_advertising_token()}
    if todo == "measure":
        count, seconds = measure(asked)
        return {"count": count, "seconds": seconds}
    if todo == "memory":
        return {"peak_kib": peak_memory()}
    raise ValueError(todo)


if __name__ == "__main__":
    if sys.argv[1:] == ["first"]:
        print(seal("first@example.com").decode())
    else:
        for line in sys.stdin:
            print(json.dumps(answer(json.loads(line))), flush=True)
