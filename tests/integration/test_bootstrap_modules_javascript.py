"""What the bootstrap that runs Lambda functions written for Node.js finds in a bundle.

Against a Runtime API of the tests' own; see tests/javascript/bootstrap_modules.mjs.
"""

from lab import javascript, tap


def load_tests(loader, *_):
    return javascript.suite_of_node(loader, "bootstrap_modules.mjs")


if __name__ == "__main__":
    tap.main()
