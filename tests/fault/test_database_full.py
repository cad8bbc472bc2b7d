"""A real server at its limits: a disk that is full, and no connection that is left."""

import psycopg2

from lab import tap
from lab.feed import until
from lab.outage_case import GONE, OutageCase, setUpModule, tearDownModule  # noqa: F401
from lab.process import unprivileged
from lab.mounts import CannotMount, SmallDisk


class OnASmallDisk(OutageCase):
    own_postgres = True
    mebibytes = 2

    def make_postgres(self):
        try:
            self.disk = SmallDisk(self.lab.directory / f"disk-{self.queue.name}",
                                  self.mebibytes, unprivileged())
        except CannotMount as why:
            self.skipTest(str(why))
        return self.lab.postgres(**self.options())

    def options(self):
        """Of the server on it."""
        return {}


class TheTables(OnASmallDisk):
    def setUp(self):
        super().setUp()
        self.database.execute(f"CREATE TABLESPACE small LOCATION '{self.disk.path}'")
        for table in ("background_jobs", "versions"):
            self.database.execute(f"ALTER TABLE {table} SET TABLESPACE small")

    def fill(self):
        """The pages that are there, too: what is rolled back still takes its place in them."""
        self.disk.fill()
        with self.assertRaises(psycopg2.errors.DiskFull):
            self.database.execute(
                "INSERT INTO versions (op, id, type, status, attempts, moved)"
                " SELECT '', '', '', 'pending', 0, false FROM generate_series(1, 100000)")

    def test_on_a_full_disk_cost_nothing(self):
        self.live_through(self.fill, self.disk.free, "53100.*free space on the database's disk")


class TheWriteAheadLog(OnASmallDisk):
    """Without it there is no server."""

    mebibytes = 64  # four segments

    def options(self):
        return {"journal": self.disk.path / "wal"}

    def fill(self):
        """The server panics when it needs a new segment, and again when it starts over."""
        self.disk.fill()
        with self.assertRaises(psycopg2.OperationalError):
            for _ in range(self.mebibytes):
                self.database.execute("SELECT pg_logical_emit_message(false, '', ''),"
                                      " pg_switch_wal()")
        self.assertNotEqual(self.postgres.process.wait(), 0)
        self.assertTrue(self.postgres.process.lines("PANIC: .*No space left on device"))

    def make_space(self):
        self.disk.free()
        self.postgres.start()

    def test_on_a_full_disk_costs_nothing(self):
        """Who needs the segment first is told so, or sees the server go."""
        self.live_through(self.fill, self.make_space, f"53100|{GONE}")


class Connections(OutageCase):
    own_postgres = True

    def setUp(self):
        super().setUp()
        self.others = []

    def make_postgres(self):
        return self.lab.postgres(max_connections=8)

    def take_all(self):
        """The daemon's, too, however quick it is to take it again."""
        def have_all():
            with self.assertRaises(psycopg2.OperationalError):
                while True:
                    self.others.append(psycopg2.connect(self.database.url))
            return self.n_ended_of_daemon() == 0
        until(have_all, what="all connections")

    def n_ended_of_daemon(self):
        (count,), = self.database.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE application_name = 'nexus-worker'")
        return count

    def give_back(self):
        for other in self.others:
            other.close()

    def test_that_are_all_taken_cost_nothing(self):
        self.live_through(self.take_all, self.give_back, "57P01|53300.*max_connections")


if __name__ == "__main__":
    tap.main()
