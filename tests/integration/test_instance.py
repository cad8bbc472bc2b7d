"""Credentials that an instance or a container gives, to a job that is done with them."""

from lab import tap
from lab.case import setUpModule, tearDownModule  # noqa: F401
from lab.identity import Keyless
from lab.sqs import REGION

UNTIL = r"good until \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"


class AnInstance(Keyless):
    def test_gives_the_keys_of_its_role(self):
        self.sqs.metadata(role="worker", seconds=3600)
        daemon = self.start(environment=self.on_instance())
        self.assert_works_as(daemon, f"instance metadata.*worker.*, {UNTIL}")

    def test_names_the_region_where_nothing_else_does(self):
        self.sqs.metadata(role="worker", seconds=3600)
        daemon = self.start({"queue.region": None}, environment=self.on_instance())
        self.assert_works(daemon)
        daemon.wait_line(f"region.*{REGION}.*metadata")

    def test_without_a_role_is_told_so_and_waited_for_until_it_has_one(self):
        daemon = self.configure(environment=self.on_instance()).start()
        daemon.wait_line(" warning .*instance profile")
        daemon.wait_status("instance profile")
        self.sqs.metadata(role="worker", seconds=3600)
        self.assert_works(daemon, within=45)

    def test_behind_a_hop_limit_is_told_of_it(self):
        self.sqs.metadata(role="worker", hop_limit_exceeded=True)
        daemon = self.configure(environment=self.on_instance()).start()
        daemon.wait_line(" warning .*HttpPutResponseHopLimit to 2")
        self.sqs.metadata(hop_limit_exceeded=None)
        self.assert_works(daemon, within=45)

    def test_whose_metadata_service_is_off_is_told_how_to_switch_it_on(self):
        self.sqs.metadata(role="worker", status=403)
        daemon = self.configure(environment=self.on_instance()).start()
        daemon.wait_line(" warning .*403.*HttpEndpoint")
        self.assertEqual(daemon.stop(), 0)

    def test_whose_role_is_not_to_be_had_passes_on_why(self):
        self.sqs.metadata(role="worker", code="AssumeRoleUnauthorizedAccess",
                          message="EC2 cannot assume the role worker.")
        daemon = self.configure(environment=self.on_instance()).start()
        daemon.wait_line(" warning .*AssumeRoleUnauthorizedAccess.*EC2 cannot assume the role")
        self.assertEqual(daemon.stop(), 0)


class AContainer(Keyless):
    def test_gives_the_keys_of_its_task(self):
        uri = self.sqs.container("task-1", seconds=3600)
        daemon = self.start(environment={"AWS_CONTAINER_CREDENTIALS_FULL_URI": uri})
        self.assert_works_as(daemon, f"container.*, {UNTIL}")

    def test_wants_the_token_that_a_file_holds_at_that_moment(self):
        self.sqs.container("pod-1", token="first-token", seconds=6)
        token = self.write("token", "first-token\n")
        daemon = self.start(environment={
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": self.sqs.pod_identity_uri,
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": token})
        self.assert_works(daemon)
        self.sqs.container("pod-1", token="second-token")
        self.write("token", "second-token\n")
        self.wait_answers("container", 1)
        self.assert_works(daemon)
        self.assertEqual(daemon.lines(" warning "), [])
        self.assertEqual(daemon.lines("first-token|second-token"), [])

    def test_on_another_host_over_http_ends_the_start(self):
        daemon = self.configure(environment={
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://198.51.100.1/keys"}).start()
        daemon.wait_line(" error .*AWS_CONTAINER_CREDENTIALS_FULL_URI.*https")
        self.assertEqual(daemon.wait(), 78)


if __name__ == "__main__":
    tap.main()
