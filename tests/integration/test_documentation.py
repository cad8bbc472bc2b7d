"""What docs/aws.md shows is what works."""

import re

from lab import tap
from lab.case import setUpModule, tearDownModule  # noqa: F401
from lab.identity import Keyless
from lab.sqs import ACCOUNT, KEY_ID, SECRET
from lab.world import ROOT

ROLE = f"arn:aws:iam::{ACCOUNT}:role/nexus-worker"
HELPER = "/usr/local/bin/aws_signing_helper"


class AProfileThatIsShown(Keyless):
    def shown(self, word):
        """The file with this word in it, with this lab's keys for the dots."""
        text = (ROOT / "docs/aws.md").read_text(encoding="utf-8")
        files = re.findall(r"(?m)^    \[default\]\n(?:    .*\n|\n(?=    \[))*", text)
        file, = (file for file in files if word in file)
        return (re.sub("(?m)^    ", "", file).replace("AKIA…", KEY_ID).replace("= …", f"= {SECRET}"))

    def assert_serves(self, name, text):
        self.write(name, text)
        self.assert_works(self.start())

    def test_has_a_users_keys(self):
        text = self.shown("[default]\n    aws_access_key_id")
        self.assert_serves("credentials", text)

    def test_has_a_user_who_may_only_assume_the_role(self):
        self.sqs.role(ROLE, principal=KEY_ID)
        self.assert_serves("credentials", self.shown("source_profile"))

    def test_has_the_helper_of_roles_anywhere(self):
        helper = self.write("helper", (
            "#!/bin/sh\n[ \"$1\" = credential-process ] && [ $# = 11 ] || exit 1\n"
            f"""echo '{{"Version":1,"AccessKeyId":"{KEY_ID}","SecretAccessKey":"{SECRET}"}}'\n"""),
            0o700)
        self.assert_serves("config", self.shown(HELPER).replace(HELPER, helper))


if __name__ == "__main__":
    tap.main()
