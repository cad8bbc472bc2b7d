"""Signs a request with AWS Signature Version 4: the little that SQS needs (POST, no query).

Written apart from the daemon's signer, so that the two check each other through the local SQS,
which has a third.
"""

import datetime
import hashlib
import hmac


class Signer:
    """One access key, for one region and service, with its session token if it is a temporary one.
    Keeps the day's signing key."""

    def __init__(self, key_id, secret, region, service="sqs", token=None):
        self.key_id = key_id
        self.token = token
        self.region = region
        self.service = service
        self._secret = secret
        self._day = None
        self._day_key = None

    def sign(self, headers, body, now=None):
        """The headers, and those that prove who sends them and when. host must be among them."""
        now = now or datetime.datetime.now(datetime.timezone.utc)
        moment = now.strftime("%Y%m%dT%H%M%SZ")
        signed = {**headers, "x-amz-date": moment}
        if self.token is not None:
            signed["x-amz-security-token"] = self.token
        names = sorted(signed)
        canonical = "\n".join([
            "POST", "/", "", *(f"{name}:{signed[name]}" for name in names), "", ";".join(names),
            hashlib.sha256(body).hexdigest()])
        scope = f"{moment[:8]}/{self.region}/{self.service}/aws4_request"
        to_sign = "\n".join(["AWS4-HMAC-SHA256", moment, scope,
                             hashlib.sha256(canonical.encode()).hexdigest()])
        signature = _hmac(self._key_of(moment[:8]), to_sign).hex()
        signed["authorization"] = (f"AWS4-HMAC-SHA256 Credential={self.key_id}/{scope}, "
                                   f"SignedHeaders={';'.join(names)}, Signature={signature}")
        return signed

    def _key_of(self, day):
        if day != self._day:
            key = ("AWS4" + self._secret).encode()
            for word in (day, self.region, self.service, "aws4_request"):
                key = _hmac(key, word)
            self._day, self._day_key = day, key
        return self._day_key


def _hmac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
