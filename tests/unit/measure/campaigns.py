"""Campaigns made by hand: a plan, and finished drills by the letters H(ELD), B(ROKEN), U(NKNOWN) and X (did harm)."""

from dataclasses import replace

from gameday.facts import Objectives, Verdict
from gameday.facts.campaign import CampaignPlan, DrillDone
from gameday.facts.selftest import PlantedTruth, SelfTest
from gameday.measure.campaign import turns

PLAN = CampaignPlan(
    name="task-loss",
    title="All tasks of the primary region are lost",
    experiment="experiments/task-loss.json",
    experiment_sha256="a" * 64,
    times=5,
    variations=({},),
    fixed={"reports": "reports"},
    stop_on_broken=False,
    attached=False,
    objectives=Objectives(rto_s=1800, rpo_s=600),
    started_utc="2026-11-24T18:11:02.482114Z",
    who="oncall@laptop",
    versions={"python": "3.12.1"},
    limits=("IAM: nobody is refused anything here",),
)
PASSED = SelfTest(
    "2026-11-24T18:11:03.000000Z", 48.9, 80.0, {}, (PlantedTruth("rows", "5 lost", "5 lost", exact=True),)
)
VERDICTS = {"H": Verdict.HELD, "B": Verdict.BROKEN, "U": Verdict.UNKNOWN, "X": Verdict.BROKEN}
WHY = {"H": "", "B": "clients waited longer than the RTO", "U": "the lab never came up", "X": "orders are gone twice"}


def drill(number, letter="H", variation=0, parameters=None, **figures):
    """One finished drill; HELD and BROKEN ones have figures, UNKNOWN ones have none unless given."""
    told = {} if letter == "U" else {
        "timer_scale": 0.1, "rta_s": 10.0 + number, "rpa_s": 0.25, "lost": 3, "acknowledged": 1234, "floor_s": 9.0,
        "excess_s": 1.0 + number, "rto_s": 1800.0, "rpo_s": 600.0, "measurement_sha256": "b" * 64,
        "record": f"task-loss/2026-11-24T18-1{number % 10}-00.000000Z",
    }  # fmt: skip
    return DrillDone(
        number=number,
        variation=variation,
        parameters=parameters or {},
        started_utc="2026-11-24T18:12:00.000000Z",
        duration_s=60.0,
        exit_code=0 if letter == "H" else 1,
        verdict=VERDICTS[letter],
        why=WHY[letter],
        harm=(WHY["X"],) if letter == "X" else (),
        **(told | figures),
    )


def campaign(letters, times=None, **changes):
    """A plan of one variation, and its drills by their letters; ``times`` is as many as there are letters."""
    plan = replace(PLAN, times=len(letters) if times is None else times, **changes)
    return plan, [drill(number, letter) for number, letter in enumerate(letters, 1)]


def varied(*rows, key="share", values=("0.5", "1.0"), times=None):
    """A plan with a variation for each row of letters, the drills in the order in which they would be run."""
    variations = tuple({key: value} for value in values[: len(rows)])
    plan = replace(PLAN, times=times or len(rows[0]), variations=variations)
    left = [list(row) for row in rows]
    done = [
        drill(turn.number, left[turn.variation].pop(0), turn.variation, variations[turn.variation])
        for turn in turns(plan)
        if left[turn.variation]
    ]
    return plan, done
