"""nexusctl dlq redrive --all --move-task: SQS moves them, to a destination that is named."""

import signal

from lab import tap
from lab.ctl_case import CtlCase, setUpModule, tearDownModule  # noqa: F401
from lab.dead_letters import DeadLetters
from lab.feed import until

WORDS = ("dlq", "redrive", "--all", "--move-task")


class AMove(DeadLetters, CtlCase):
    def tasks(self):
        return self.sqs.client.call(
            "ListMessageMoveTasks", SourceArn=self.dead_letters.attributes()["QueueArn"],
            MaxResults=10)["Results"]

    def test_takes_copies_too_which_have_no_source_queue(self):
        self.bury(3)
        self.assertEqual(self.ctl(*WORDS, "--yes"), f"about 3 of 3 dead letters of "
                         f"{self.dead_letters.name} are back in {self.queue.name}\n")
        self.assertEqual(self.queue.counts(), (3, 0))
        task, = self.tasks()
        self.assertEqual(task["DestinationArn"], self.queue.attributes()["QueueArn"])
        self.assertEqual(self.jobs.counts(), {"failed": 3})
        self.daemon.start()
        self.jobs.wait_all("completed")

    def test_keeps_to_its_rate_and_tells_programs_its_end(self):
        self.bury(2)
        told, = self.objects(*WORDS, "--yes", "--rate", "500/s")
        self.assertEqual(told, {"source": self.dead_letters.name, "destination": self.queue.name,
                                "status": "COMPLETED", "moved": 2, "to_move": 2})
        self.assertEqual(self.tasks()[0]["MaxNumberOfMessagesPerSecond"], 500)

    def test_is_asked_for_and_has_a_dry_run(self):
        self.bury(2)
        self.assertEqual(
            self.ctl(*WORDS, "--dry-run"), f"about 2 dead letters of {self.dead_letters.name} "
            f"would be moved to {self.queue.name} by SQS\n")
        self.assertEqual(self.objects(*WORDS, "--dry-run")[0]["status"], "DRY_RUN")
        self.assertIn(f"Have SQS move about 2 dead letters of {self.dead_letters.name} to "
                      f"{self.queue.name}? Nobody can be asked", self.complain(*WORDS))
        self.assertEqual(self.tasks(), [])
        self.assert_all_visible(2)

    def test_is_cancelled_by_ctrl_c(self):
        self.bury(50)
        process = self.start_ctl(*WORDS, "--yes", "--rate", "1/s")
        until(self.tasks, what="a task")
        process.send(signal.SIGINT)
        self.assertEqual(process.wait(), 1)
        process.wait_line(r"^nexusctl: interrupted, and the move is cancelled: about \d+ dead "
                          "letters are back in .*, the others are still in ")
        self.assertIn(self.tasks()[0]["Status"], ("CANCELLING", "CANCELLED"))

    def test_without_the_permission_is_one_line(self):
        self.bury(1)
        self.use_key("GetQueueAttributes")
        self.assertIn("sqs:StartMessageMoveTask", self.complain(*WORDS, "--yes"))
        self.assert_all_visible(1)

    def test_that_cannot_be_watched_goes_on(self):
        self.bury(1)
        self.use_key("GetQueueAttributes", "StartMessageMoveTask")
        self.assertIn("SQS moves them, but does not tell how far it is: ",
                      self.complain(*WORDS, "--yes"))
        until(lambda: self.queue.counts() == (1, 0), what="the move")

    def test_beside_another_is_refused(self):
        self.bury(5)
        self.sqs.client.call(
            "StartMessageMoveTask", SourceArn=self.dead_letters.attributes()["QueueArn"],
            DestinationArn=self.queue.attributes()["QueueArn"], MaxNumberOfMessagesPerSecond=1)
        self.assertIn("already a task running", self.complain(*WORDS, "--yes"))


if __name__ == "__main__":
    tap.main()
