"""Reads command lines of aws as JSON from stdin, and says what each would ask for first: null where
it came to nothing, and awscli said why.

awscli checks all of a line, down to the parameters that the service takes; nothing is sent.
"""

import json
import os
import sys

from awscli.clidriver import create_clidriver


class Stopped(BaseException):
    """Instead of a request. No Exception, for those awscli tells as failures."""


def main():
    os.environ.update({"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret",
                       "AWS_DEFAULT_REGION": "eu-central-1", "AWS_CONFIG_FILE": os.devnull})
    asked = []

    def stop(model, **_):
        asked[-1] = f"{model.service_model.service_name} {model.name}"
        raise Stopped

    driver = create_clidriver()
    driver.session.register("before-call", stop)
    for words in json.load(sys.stdin):
        asked.append(None)
        driver.main(words)
    print(json.dumps(asked))


if __name__ == "__main__":
    main()
