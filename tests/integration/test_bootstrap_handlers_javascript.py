"""What the bootstrap gives Lambda functions written for Node.js, and takes from them.

Against a Runtime API of the tests' own; see tests/javascript/bootstrap_handlers.mjs.
"""

from lab import javascript, tap


def load_tests(loader, *_):
    return javascript.suite_of_node(loader, "bootstrap_handlers.mjs")


if __name__ == "__main__":
    tap.main()
