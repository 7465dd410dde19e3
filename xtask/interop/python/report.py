"""What came of each row, as a line of JSON on standard output."""

import json
import sys
import traceback


class Failed(Exception):
    """The SDK and the operator did not do what they should."""


class Absent(Exception):
    """The SDK has no such call."""


class Deviates(Exception):
    """The SDK does one thing, the operator another."""

    def __init__(self, sdk, operator):
        super().__init__(sdk)
        self.sdk = sdk
        self.operator = operator


def expect(condition, message):
    """Unlike assert, not switched off by -O."""
    if not condition:
        raise Failed(message)


def expect_equal(found, wanted, what):
    expect(found == wanted, f"{what}: {found!r}, not {wanted!r}")


def row(name, body):
    """Runs the body of a row and says what came of it, whatever that was."""
    try:
        body()
        _say(row=name, outcome="ok")
    except Absent as absent:
        _say(row=name, outcome="absent", note=str(absent))
    except Deviates as deviates:
        _say(row=name, outcome="deviates", sdk=deviates.sdk, operator=deviates.operator)
    except Failed as failed:
        _say(row=name, outcome="failed", note=str(failed))
    except Exception as unexpected:  # An SDK may raise anything.
        traceback.print_exc(file=sys.stderr)
        _say(row=name, outcome="failed", note=f"{type(unexpected).__name__}: {unexpected}")


def token(what, text, raw_uid, site_id, scope="UID2"):
    """A token that the SDK encrypted, for the Rust side to decode."""
    _say(token=text, what=what, raw_uid=raw_uid, site_id=site_id, scope=scope)


def data(what, text, plain, scope="UID2"):
    """Data that the SDK encrypted, for the Rust side to decode."""
    _say(data=text, what=what, plain=plain.hex(), scope=scope)


def _say(**fields):
    print(json.dumps(fields), flush=True)
