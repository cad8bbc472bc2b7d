"""What the soak draws and what it reports, without one."""

import itertools
import random
import unittest

import gauges
import troubles
from lab import tap


class ASlope(unittest.TestCase):
    def test_is_per_hour(self):
        self.assertAlmostEqual(gauges.slope([[(at, 100 + at / 36) for at in range(60)]]), 100)

    def test_is_none_where_all_is_flat(self):
        self.assertEqual(gauges.slope([[(at, 7) for at in range(60)]]), 0)

    def test_is_not_the_difference_between_two_daemons(self):
        early = [(at, 7) for at in range(60)]
        late = [(at, 70) for at in range(1000, 1060)]
        self.assertEqual(gauges.slope([early, late]), 0)

    def test_of_two_daemons_that_grow_is_theirs(self):
        self.assertAlmostEqual(gauges.slope([[(at, at) for at in range(60)],
                                             [(at, at - 900) for at in range(1000, 1060)]]), 3600)


class Troubles(unittest.TestCase):
    def draw(self, seed, seconds=600):
        return list(troubles.draw(random.Random(seed), seconds, 1.5))

    def test_are_the_same_for_a_seed(self):
        self.assertEqual(self.draw(1), self.draw(1))
        self.assertNotEqual(self.draw(1), self.draw(2))

    def test_of_a_longer_soak_begin_as_those_of_a_shorter_one(self):
        shorter, longer = self.draw(1, 60), self.draw(1, 600)
        self.assertEqual(longer[:len(shorter)], shorter)

    def test_are_of_all_kinds_and_in_order(self):
        drawn = self.draw(1)
        self.assertEqual({one.name for one in drawn}, set(troubles.WEIGHTS))
        self.assertEqual({one.terms[0] for one in drawn if one.name == "sqs"},
                         set(troubles.FAULTS))
        for one, other in itertools.pairwise(drawn):
            self.assertLess(one.at, other.at)


if __name__ == "__main__":
    tap.main()
