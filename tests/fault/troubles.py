"""What goes wrong, and when: drawn from a seed alone, whatever comes of it.

A trouble is an order of (moment, name, what it is drawn with); the soak carries it out, or leaves
it where it finds nobody whom it could hit.
"""

import collections

RECEIVE, DELETE, EXTEND = "ReceiveMessage", "DeleteMessageBatch", "ChangeMessageVisibilityBatch"
EVERY = (RECEIVE, DELETE, EXTEND)

Trouble = collections.namedtuple("Trouble", "at name terms")

# How often, compared with each other.
WEIGHTS = {"kill": 3, "stop": 3, "freeze": 4, "reload": 2, "postgres": 2, "pgbouncer": 1, "sqs": 10}

# Faults of the local SQS: which actions they hit, at most how many requests, how.
FAULTS = {
    "status": (EVERY, 10, lambda rng: {"status": 503, "code": "ServiceUnavailable"}),
    "throttled": (EVERY, 10, lambda rng: {"kind": "status", "status": 400,
                                          "code": "ThrottlingException"}),
    "raw": (EVERY, 5, lambda rng: {"body": "<html>we are sorry</html>",
                                   "status": rng.choice((200, 502))}),
    "too-large": (EVERY, 1, lambda rng: {"bytes": 1 << 24, "chunked": rng.random() < 0.5}),
    "delay": (EVERY, 10, lambda rng: {"ms": rng.randrange(3000)}),
    "late": (EVERY, 10, lambda rng: {"ms": rng.randrange(3000)}),
    "cut-before": (EVERY, 10, lambda rng: {}),
    "cut-after": (EVERY, 10, lambda rng: {}),
    "black-hole": (EVERY, 2, lambda rng: {}),
    "truncate": (EVERY, 10, lambda rng: {}),
    "garble": (EVERY, 10, lambda rng: {}),
    "drip": (EVERY, 5, lambda rng: {"bytes": 100, "ms": 20}),
    "date": (EVERY, 5, lambda rng: {"seconds": rng.randrange(-1000, 1000)}),
    "twice": ((RECEIVE,), 40, lambda rng: {}),
    "duplicate": ((RECEIVE,), 40, lambda rng: {}),
    "fail-entries": ((DELETE, EXTEND), 5, lambda rng: {"entries": 1 + rng.randrange(10)}),
}


def draw_fault(rng):
    name = rng.choice(sorted(FAULTS))
    actions, count_max, draw = FAULTS[name]
    return name, {"kind": name, "action": rng.choice(actions),
                  "count": 1 + rng.randrange(count_max), **draw(rng)}


def draw(rng, seconds, pause):
    """Every trouble of so many seconds, in order, one in each pause on the average."""
    at = rng.expovariate(1 / pause)
    while at < seconds:
        name, = rng.choices(list(WEIGHTS), WEIGHTS.values())
        yield Trouble(at, name, _TERMS[name](rng))
        at += rng.expovariate(1 / pause)


_TERMS = {
    "kill": lambda rng: {"whom": rng.random(), "away": 3 * rng.random()},
    "stop": lambda rng: {"whom": rng.random()},
    "freeze": lambda rng: {"whom": rng.random(), "long": rng.random() < 0.5,
                           "share": rng.random()},
    "reload": lambda rng: {"whom": rng.random(), "delay": rng.choice(("1s", "2s")),
                           "level": rng.choice(("info", "debug"))},
    "postgres": lambda rng: {"fast": rng.random() < 0.5, "away": 3 * rng.random() ** 2},
    "pgbouncer": lambda rng: {"away": 2 * rng.random()},
    "sqs": draw_fault,
}
