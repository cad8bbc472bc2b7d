"""The database's server is gone for good, and its standby is promoted after a while."""

import signal

from lab import tap
from lab.feed import until
from lab.outage_case import GONE, OutageCase, setUpModule, tearDownModule  # noqa: F401
from lab.postgres import PASSWORD, USER


class APrimary(OutageCase):
    """Its standby confirms each commit: one that it did not get would be lost."""

    own_postgres = True

    def setUp(self):
        super().setUp()
        self.standby = self.lab.standby(self.postgres)
        self.addCleanup(self.standby.close)
        self.database.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
        self.database.execute("SELECT pg_reload_conf()")
        until(lambda: self.database.execute(
            "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'"), what="the standby")

    def url(self):
        hosts = f"127.0.0.1:{self.postgres.port},127.0.0.1:{self.standby.port}"
        return (f"postgresql://{USER}:{PASSWORD.replace(' ', '%20')}@{hosts}/{self.database.name}"
                "?target_session_attrs=read-write")

    def crash(self):
        self.postgres.stop(signal.SIGQUIT)

    def promote(self):
        self.standby.promote()
        self.jobs.database = self.database = self.standby.database(self.database.name)

    def test_whose_standby_is_promoted_costs_nothing(self):
        self.live_through(self.crash, self.promote, GONE, database=self.url())

    def test_that_hangs_is_passed_over_for_its_promoted_standby(self):
        """It takes connections and never answers, so that libpq goes on to no other host."""
        self.addCleanup(self.postgres.thaw)
        self.live_through(self.postgres.freeze, self.promote, "has not answered for a second",
                          database=self.url())


if __name__ == "__main__":
    tap.main()
