"""Where the operators are, and clients for them."""

import os

from uid2_client import (
    BidstreamClient,
    IdentityMapClient,
    IdentityMapV3Client,
    SharingClient,
    Uid2PublisherClient,
)


class Operator:
    """An emulator and credentials for it."""

    def __init__(self, url, api_key, secret):
        self.credentials = (url, api_key, secret)

    def publisher(self):
        return Uid2PublisherClient(*self.credentials)

    def map_v2(self):
        return IdentityMapClient(*self.credentials)

    def map_v3(self):
        return IdentityMapV3Client(*self.credentials)

    def bidstream(self):
        return _refreshed(BidstreamClient(*self.credentials))

    def sharing(self):
        return _refreshed(SharingClient(*self.credentials))

    def with_key(self, api_key):
        url, _, secret = self.credentials
        return Operator(url, api_key, secret)

    def with_secret(self, secret):
        url, api_key, _ = self.credentials
        return Operator(url, api_key, secret)

    def at(self, url):
        _, api_key, secret = self.credentials
        return Operator(url, api_key, secret)


def _refreshed(client):
    response = client.refresh()
    if not response.success:
        raise RuntimeError(f"no keys: {response.reason}")
    return client


_KEY = os.environ["UID2_API_KEY"]
_SECRET = os.environ["UID2_SECRET_KEY"]

#: The usual one.
OPERATOR = Operator(os.environ["UID2_BASE_URL"], _KEY, _SECRET)
#: Its tokens live for two seconds.
SHORT_LIVED = Operator(os.environ["SHORT_LIVED_BASE_URL"], _KEY, _SECRET)
#: Of the other scope.
EUID = Operator(os.environ["EUID_BASE_URL"], _KEY, _SECRET)
#: The site of the credentials.
SITE = int(os.environ["SITE_ID"])
#: Another client of the usual operator, who may share too.
OTHER = Operator(
    os.environ["UID2_BASE_URL"], os.environ["OTHER_API_KEY"], os.environ["OTHER_SECRET_KEY"]
)
