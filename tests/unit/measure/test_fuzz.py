"""Some hundred damaged records; ``python -m benchmarks fuzz`` gives the readers a hundred thousand."""

import pytest
from benchmarks.fuzz import INPUTS, tried

from gameday.facts import Verdict

pytestmark = pytest.mark.thorough


def test_no_damaged_record_is_held_or_ends_in_a_traceback():
    outcomes = tried(range(INPUTS, INPUTS + 600))  # others than the benchmark's
    assert [outcome for outcome in outcomes if outcome.defect] == []
    assert {Verdict.UNKNOWN, Verdict.BROKEN, "refused", "read"} <= {outcome.ended for outcome in outcomes}
