"""Says in a line of JSON which keys botocore gets from the container's endpoint that its environment
names, or why it gets none; as tests/javascript/credentials.mjs does for the SDK for JavaScript.
"""

import datetime
import json

from botocore.credentials import ContainerProvider
from botocore.utils import ContainerMetadataFetcher


def get():
    try:
        found = ContainerProvider(fetcher=ContainerMetadataFetcher(sleep=lambda _: None)).load()
        keys = found.get_frozen_credentials()
        now = datetime.datetime.now(datetime.timezone.utc)
        return {"accessKeyId": keys.access_key, "secretAccessKey": keys.secret_key,
                "sessionToken": keys.token,
                "seconds": round((found._expiry_time - now).total_seconds())}
    except Exception as error:  # of whatever kind: that there are no keys is what matters
        return {"error": str(error)}


print(json.dumps({"botocore": get()}))
