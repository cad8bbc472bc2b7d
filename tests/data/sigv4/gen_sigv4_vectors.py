#!/usr/bin/python3
"""Random requests, signed by botocore, for the replay in tests/unit/test_sigv4.c.

    gen_sigv4_vectors.py [--count N] [--seed S] [--kinds sqs,sts,...]

The same arguments give the same bytes (botocore 1.29 as in Debian 12, and 1.43). One JSON object
a line:

    id, kind, service, region, method, scheme, host
    path, query          exactly as on the wire, percent-encoded
    headers              [[name, value], ...] before signing: in mixed case, repeated, not trimmed
    body_b64, access_key, secret_key, token (or null), timestamp
    normalize, double_encode, payload_hash_header
                         how the service wants its path (S3: as it is) and X-Amz-Content-Sha256
    mode                 "header" or "query"; then expires, in seconds
    expect               canonical_request, string_to_sign, signed_headers, signature, and
                         authorization and added_headers, or query_url

Every choice is drawn from one random.Random, so the order of the draws is part of the format.
"""

import argparse
import base64
import calendar
import json
import random
import sys
import time
from urllib.parse import quote

from botocore.auth import S3SigV4Auth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

KINDS = "sqs,sts,logs,s3,generic,query"
JSON_KINDS = ("sqs", "logs")
AWS_KINDS = ("sqs", "sts", "logs")

UPPER_AND_LOWER = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
UNRESERVED = UPPER_AND_LOWER + "0123456789-._~"
BASE64 = UPPER_AND_LOWER + "0123456789+/"
BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
ODD = " !\"#$%&'()*+,/:;<=>?@[\\]^`{|}"
BEYOND_ASCII = "\u00e9\u00df\u1234\u4e2d\u0416\U0001F600\u0301"

REGIONS = [
    "us-east-1", "us-east-2", "eu-central-1", "eu-west-3",
    "ap-southeast-2", "us-gov-west-1", "cn-north-1", "il-central-1",
]


def random_text(r, low, high, odd=0.35, beyond=0.1, slash=False):
    odd_ones = ODD if slash else ODD.replace("/", "")
    chars = []
    for _ in range(r.randint(low, high)):
        x = r.random()
        if x < beyond:
            chars.append(r.choice(BEYOND_ASCII))
        elif x < beyond + odd:
            chars.append(r.choice(odd_ones))
        else:
            chars.append(r.choice(UNRESERVED))
    return "".join(chars)


def random_from(r, alphabet, length):
    return "".join(r.choice(alphabet) for _ in range(length))


def mixed_case(r, text):
    return r.choice([text, text.lower(), text.upper(), text.title()])


def random_service(r, kind):
    # Both are always drawn: the dice must not depend on the kind.
    generic = r.choice(["execute-api", "service", "iam", "monitoring"])
    presigned = r.choice(["sqs", "execute-api", "service"])
    return {"generic": generic, "query": presigned}.get(kind, kind)


def random_method(r, kind):
    if kind in AWS_KINDS:
        return "POST"
    if kind == "query":
        return r.choice(["GET", "PUT"])
    return r.choice(["GET", "PUT", "POST", "DELETE", "HEAD", "PATCH"])


def random_host(r, i, service, region):
    return r.choice([
        f"{service}.{region}.amazonaws.com",
        "localhost:4566",
        "127.0.0.1:5000",
        "example.amazonaws.com",
        f"vpce-0a1b2c-{i}.{service}.{region}.vpce.amazonaws.com",
    ])


def random_segment(r, kind):
    x = r.random()
    if kind in ("generic", "query") and x < 0.12:
        return r.choice([".", "..", "", ""])
    if kind == "s3" and x < 0.06:
        return r.choice([".", "..", ""])
    text = random_text(r, 1, 10)
    # Characters that are legal in a path are sometimes left as they are.
    return quote(text, safe=r.choice(["-._~", "-._~", "-._~!$'()*,;:@"]))


def random_path(r, kind):
    if kind in AWS_KINDS:
        if r.random() < 0.8:
            return "/"
        return "/123456789012/" + quote(random_text(r, 1, 12, 0.1, 0), safe="-._~")
    segments = [random_segment(r, kind) for _ in range(r.randint(0, 5))]
    return "/" + "/".join(segments) + ("/" if r.random() < 0.15 and segments else "")


def random_parameter(r):
    names = ["prefix", "list-type", "a", "A", "aa", "a-b", "Param", random_text(r, 1, 6), "X-Foo"]
    name = r.choice(names)
    value = r.choice(["", "1", random_text(r, 0, 9, slash=True), "a b", "a+b", "%25"])
    if value == "" and r.random() < 0.3:
        return quote(name, safe="-._~")
    return quote(name, safe="-._~") + "=" + quote(value, safe="-._~")


def random_query(r, kind):
    if kind in JSON_KINDS or r.random() < 0.35:
        return ""
    parameters = [random_parameter(r) for _ in range(r.randint(1, 5))]
    if kind == "query":
        # botocore's presigner drops repeated names, and writes "name=" for "name".
        by_name = {p.split("=")[0]: p if "=" in p else p + "=" for p in parameters}
        parameters = list(by_name.values())
    elif r.random() < 0.2:
        parameters.append(parameters[0].split("=")[0] + "=zz")
    r.shuffle(parameters)
    return "&".join(parameters)


def random_body(r, kind, method):
    if kind in JSON_KINDS:
        url = "https://sqs.us-east-1.amazonaws.com/123456789012/" + random_text(r, 1, 8, 0, 0)
        message = {"QueueUrl": url, "MessageBody": random_text(r, 0, 60, slash=True)}
        return json.dumps(message, ensure_ascii=r.random() < 0.5).encode()
    if kind == "sts":
        form = "Action=AssumeRole&Version=2011-06-15&RoleSessionName="
        return (form + quote(random_text(r, 1, 20))).encode()
    # botocore folds the body of what it presigns into the query.
    if kind == "query" or method in ("GET", "HEAD", "DELETE") or r.random() < 0.2:
        return b""
    return bytes(r.getrandbits(8) for _ in range(r.choice([1, 63, 64, 65, 200, 4096])))


def header_value(r):
    alphabet = UNRESERVED + "  \t;:,=\"'()/"
    text = random_from(r, alphabet, r.randint(0, 24))
    return r.choice(["", " ", "   "]) + text + r.choice(["", " ", "  "])


def kind_headers(r, kind, body):
    if kind == "sqs":
        content_type = [mixed_case(r, "Content-Type"), "application/x-amz-json-1.0"]
        action = ["ReceiveMessage", "DeleteMessageBatch", "ChangeMessageVisibility"]
        return [content_type,
                [mixed_case(r, "X-Amz-Target"), r.choice(["AmazonSQS." + a for a in action])]]
    if kind == "logs":
        content_type = [mixed_case(r, "Content-Type"), "application/x-amz-json-1.1"]
        return [content_type, [mixed_case(r, "X-Amz-Target"), "Logs_20140328.PutLogEvents"]]
    if kind == "sts":
        return [["Content-Type", "application/x-www-form-urlencoded; charset=utf-8"]]
    if body and kind != "query":
        content_types = ["application/octet-stream", "text/plain; charset=utf-8"]
        return [["Content-Type", r.choice(content_types)]]
    return []


def random_headers(r, kind, body):
    headers = kind_headers(r, kind, body)
    if r.random() < 0.5:
        headers.append(["User-Agent", "nexus-worker/0.0 " + random_text(r, 0, 6, 0, 0)])
    if r.random() < 0.2:
        headers.append(["Expect", "100-continue"])
    if kind != "query":
        for _ in range(r.choice([0, 0, 1, 2, 3])):
            name = "X-Amz-Meta-" + r.choice(["A", "b", "Cc", "z-9", "Zz"])
            headers.append([mixed_case(r, name), header_value(r)])
        if r.random() < 0.15:
            headers += [["My-Header1", "value2"], ["my-header1", " value1 "],
                        ["MY-HEADER1", "value2"]]
    r.shuffle(headers)
    return headers


def random_keys(r):
    access_key = r.choice(["AKIA", "ASIA"]) + random_from(r, BASE32, 16)
    secret_key = random_from(r, BASE64, r.choice([40, 40, 40, 1, 64, 65, 100]))
    token = None
    if r.random() < 0.4:
        token = random_from(r, BASE64, r.choice([16, 300, 1200])) + r.choice(["", "=", "=="])
    return access_key, secret_key, token


def random_timestamp(r):
    moment = r.choice([
        r.randint(946684800, 4102444799),
        calendar.timegm((2024, 2, 29, 23, 59, 59)),
        calendar.timegm((2026, 1, 1, 0, 0, 0)),
        calendar.timegm((2015, 8, 30, 12, 36, 0)),
    ])
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(moment))


def sign(auth, request, timestamp):
    """What add_auth() does, with a clock that stands still."""
    request.context["timestamp"] = timestamp
    auth._modify_request_before_signing(request)
    canonical_request = auth.canonical_request(request)
    string_to_sign = auth.string_to_sign(request, canonical_request)
    signature = auth.signature(string_to_sign, request)
    signed_headers = auth.signed_headers(auth.headers_to_sign(request))
    auth._inject_signature_to_request(request, signature)
    return {
        "canonical_request": canonical_request,
        "string_to_sign": string_to_sign,
        "signed_headers": signed_headers,
        "signature": signature,
    }


def random_vector(r, i, kinds):
    kind = r.choice(kinds)
    service = random_service(r, kind)
    region = r.choice(REGIONS)
    method = random_method(r, kind)
    scheme = r.choice(["https", "https", "http"])
    host = random_host(r, i, service, region)
    path, query = random_path(r, kind), random_query(r, kind)
    body = random_body(r, kind, method)
    headers = random_headers(r, kind, body)
    access_key, secret_key, token = random_keys(r)
    timestamp = random_timestamp(r)

    url = f"{scheme}://{host}{path}" + (f"?{query}" if query else "")
    request = AWSRequest(method=method, url=url, data=body)
    for name, value in headers:
        request.headers.add_header(name, value)
    credentials = Credentials(access_key, secret_key, token)
    vector = {
        "id": i, "kind": kind, "service": service, "region": region, "method": method,
        "scheme": scheme, "host": host, "path": path, "query": query, "headers": headers,
        "body_b64": base64.b64encode(body).decode(),
        "access_key": access_key, "secret_key": secret_key, "token": token,
        "timestamp": timestamp,
        "normalize": kind != "s3", "double_encode": kind != "s3",
        "payload_hash_header": kind == "s3",
        "mode": "query" if kind == "query" else "header",
    }

    if kind == "query":
        vector["expires"] = r.choice([60, 900, 3600, 604800])
        auth = SigV4QueryAuth(credentials, service, region, expires=vector["expires"])
        vector["expect"] = sign(auth, request, timestamp)
        vector["expect"]["query_url"] = request.url
        return vector

    auth = (S3SigV4Auth if kind == "s3" else SigV4Auth)(credentials, service, region)
    before = {name.lower() for name, _ in headers} | {"authorization"}
    vector["expect"] = sign(auth, request, timestamp)
    vector["expect"]["authorization"] = request.headers["Authorization"]
    vector["expect"]["added_headers"] = [
        [name, value] for name, value in request.headers.items() if name.lower() not in before]
    return vector


def main():
    parser = argparse.ArgumentParser(description="Random SigV4 vectors, signed by botocore.")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kinds", default=KINDS)
    args = parser.parse_args()
    r = random.Random(args.seed)
    for i in range(args.count):
        vector = random_vector(r, i, args.kinds.split(","))
        sys.stdout.write(json.dumps(vector, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
