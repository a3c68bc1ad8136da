"""The figure at the top of a drill that is about documents, a restore, or the way back."""

from dataclasses import replace

import pytest
from examples import held

from gameday.facts import Reprotection, Restore
from gameday.facts.documents import ObjectsOutcome
from gameday.report.headline import figures
from gameday.report.parts import Tone

DOCUMENTS = ObjectsOutcome(200, 200, 100, 100, 0, 0, 0, (), 0.5, 11.4)
RESTORE = Restore("s", "db", None, "", 6.9, 3.13, 5.0, 634, 634, (), 658)
BACK = Reprotection("", 49.2, 38.6, 20.0, 7.8, "", 0, ())


def last_figure(**own):
    return figures(replace(held(), **own))[-1]


def test_a_drill_about_rta_and_rpa_ends_with_the_floor():
    assert last_figure().label == "Floor, set by configuration"


@pytest.mark.parametrize(
    ("own", "value", "tone", "standing"),
    [
        ({"objects": DOCUMENTS}, "none", Tone.GOOD, "100 broken ones brought back 11.4 s after the fault"),
        ({"objects": replace(DOCUMENTS, unrecovered=2, altered=1)}, "3", Tone.BAD, None),
        ({"objects": replace(DOCUMENTS, unread=1)}, "unknown", Tone.DOUBT, "1 document unread."),
        ({"objects": replace(DOCUMENTS, recovery_s=None, why="nobody read")}, "unknown", Tone.DOUBT, "Nobody read."),
        ({"restore": RESTORE}, "3.13 s", Tone.GOOD, "634 of 634 older writes there, with their checksums"),
        ({"restore": replace(RESTORE, verified=633)}, "3.13 s", Tone.BAD, None),
        ({"restore": replace(RESTORE, restore_s=None, why="no end")}, "unknown", Tone.DOUBT, "No end."),
        ({"reprotection": BACK}, "49.2 s", Tone.GOOD, "no writes lost by it"),
        ({"reprotection": replace(BACK, lost=1)}, "49.2 s", Tone.BAD, "1 write lost by it"),
        ({"reprotection": replace(BACK, lost=None)}, "49.2 s", Tone.DOUBT, "not known what was lost"),
        ({"reprotection": replace(BACK, since_healing_s=None)}, "unknown", Tone.DOUBT, "Nobody saw it."),
    ],
)
def test_it_says_how_what_the_drill_is_about_went(own, value, tone, standing):
    found = last_figure(**own)
    assert (found.value, found.tone) == (value, tone)
    assert standing is None or found.standing == standing
