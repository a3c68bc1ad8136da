"""A campaign's folder, read back."""

import pytest
from campaigns import PLAN

from gameday.errors import RecordError
from gameday.record.campaign import CampaignFolder


@pytest.mark.parametrize("times", [-1, 2**31])
def test_a_plan_of_drills_that_nobody_could_run_is_a_record_error_and_is_not_counted_through(tmp_path, times):
    folder = CampaignFolder.create(tmp_path, "task-loss")
    folder.write_plan(PLAN)
    plan = folder.folder / "plan.json"
    plan.write_text(plan.read_text().replace('"times": 5', f'"times": {times}'))
    with pytest.raises(RecordError, match=r"a campaign's plan.*Next: "):
        folder.read_plan()
