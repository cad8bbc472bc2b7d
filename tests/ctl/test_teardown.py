"""nexusctl teardown: what was provisioned goes, after a question, and never with work in it."""

from lab import tap
from lab.ctl_case import CtlCase, setUpModule, tearDownModule  # noqa: F401
from lab.jobs import body
from lab.sqs import SECRET


class Teardown(CtlCase):
    def setUp(self):
        super().setUp()
        self.both = [f"queue {self.dead_letters.name}", f"queue {self.queue.name}"]

    def has_table(self):
        return self.database.execute("SELECT to_regclass('background_jobs')") != [(None,)]

    def assert_untouched(self):
        self.assertTrue(self.exists(self.queue) and self.exists(self.dead_letters))
        self.assertTrue(self.has_table())

    def things(self, result, *words, **options):
        return [f"{line['kind']} {line['name']}" for line in self.objects("teardown", *words,
                                                                         **options)
                if line["result"] == result]

    def begin(self, job_id):
        self.database.execute("UPDATE background_jobs SET status = 'processing' WHERE id = %s",
                              (job_id,))


class Asked(Teardown):
    def test_deletes_both_queues_after_a_question_that_names_them(self):
        done = self.run_ctl("teardown", typed="y\n")
        self.assertIn(f"Delete the queue {self.queue.name} (0 messages) and its dead letter queue "
                      f"{self.dead_letters.name} (0)? [y/N]", done.errors)
        self.assertFalse(self.exists(self.queue) or self.exists(self.dead_letters))
        self.assertTrue(self.has_table())

    def test_deletes_nothing_on_any_other_answer(self):
        for answer in ("n\n", "\n", "yesterday\n"):
            done = self.run_ctl("teardown", typed=answer, status=1)
            self.assertIn("nothing was changed", done.errors)
        self.assert_untouched()

    def test_deletes_nothing_where_nobody_can_be_asked(self):
        self.assertIn("--yes goes ahead", self.complain("teardown"))
        self.assert_untouched()

    def test_shows_what_it_would_delete(self):
        self.assertEqual(self.things("would delete", "--dry-run", "--table"),
                         [*self.both, "table background_jobs"])
        self.assert_untouched()

    def test_is_done_when_nothing_is_there(self):
        self.assertEqual(self.things("deleted", "--yes"), self.both)
        self.assertEqual(self.things("not there", "--yes")[-1], self.both[1])


class Table(Teardown):
    def test_goes_only_after_a_question_of_its_own(self):
        done = self.run_ctl("teardown", "--yes", "--table", typed="n\n", status=1)
        self.assertIn(f"Drop the table background_jobs (0 rows), which is the web application's "
                      f"too, in the database {self.database.name}? [y/N]", done.errors)
        self.assertIn("--table=DATABASE goes ahead", self.complain("teardown", "--yes", "--table"))
        self.assert_untouched()

    def test_goes_with_its_enum_when_its_database_is_named(self):
        self.database.execute("DROP TABLE versions CASCADE")
        self.assertEqual(self.things("deleted", "--yes", f"--table={self.database.name}"),
                         [*self.both, "table background_jobs"])
        self.assertFalse(self.has_table())
        self.assertEqual(self.database.execute("SELECT to_regtype('job_status')"), [(None,)])

    def test_stays_when_another_database_is_named(self):
        done = self.run_ctl("teardown", "--yes", "--table=production", status=64)
        self.assertIn(f"the configured database is {self.database.name}", done.errors)
        self.assert_untouched()

    def test_stays_while_something_else_needs_its_enum(self):
        done = self.run_ctl("teardown", "--yes", f"--table={self.database.name}", status=1)
        self.assertIn("cannot drop type job_status because other objects depend on it",
                      done.errors)
        self.assertTrue(self.has_table())


class Refused(Teardown):
    def test_while_there_is_work(self):
        self.queue.send([body("one"), body("two")])
        self.dead_letters.send([body("dead")])
        self.begin(*self.jobs.insert())
        line = self.complain("teardown", "--yes")
        self.assertIn("refused: 2 messages, 1 dead letters and 1 rows that are processing", line)
        self.assertIn("nexusctl dlq purge saves dead letters", line)
        dry = self.run_ctl("teardown", "--dry-run", status=1)
        self.assertIn("refused: 2 messages", dry.errors)
        self.assert_untouched()

    def test_for_each_of_the_three_alone_unless_told_twice(self):
        self.begin(*self.jobs.insert())
        self.assertIn("refused: 0 messages, 0 dead letters and 1 rows",
                      self.complain("teardown", "--yes"))
        self.assertIn("--yes goes ahead", self.complain("teardown", "--force"))
        self.assert_untouched()
        self.assertEqual(self.things("deleted", "--yes", "--force"), self.both)

    def test_while_the_rows_cannot_be_seen_unless_told_twice(self):
        self.daemon.configure({"database.url": "postgresql://127.0.0.1:1/none"})
        self.assertIn("the database cannot be reached", self.complain("teardown", "--yes"))
        self.assert_untouched()
        done = self.run_ctl("teardown", "--yes", "--force")
        self.assertIn(f"deleted     {self.both[1]}\n", done.output)

    def test_for_a_key_that_may_not(self):
        self.sqs.add_key("AKIATEARDOWN", SECRET, actions=[
            "GetQueueUrl", "GetQueueAttributes", "ListDeadLetterSourceQueues"])
        self.daemon.environment["AWS_ACCESS_KEY_ID"] = "AKIATEARDOWN"
        self.assertIn("access denied to sqs:DeleteQueue", self.complain("teardown", "--yes"))
        self.assert_untouched()

    def test_to_delete_a_dead_letter_queue_that_others_have_too(self):
        other = self.sqs.create_queue(f"other-{self.queue.name}", dead_letter=self.dead_letters)
        self.dead_letters.send([body("of the other")])
        kept, deleted = self.objects("teardown", "--yes")
        self.assertEqual((kept["result"], kept["name"], kept["detail"]),
                         ("kept", self.dead_letters.name,
                          f"it is the dead letter queue of {other.name} too"))
        self.assertEqual((deleted["result"], deleted["name"]), ("deleted", self.queue.name))
        self.assertTrue(self.exists(self.dead_letters))

    def test_words_that_it_does_not_know(self):
        self.assertIn("not an option", self.run_ctl("teardown", "dev", status=64).errors)
        self.assertIn("Usage:", self.ctl("teardown", "--help"))


if __name__ == "__main__":
    tap.main()
