"""A campaign of a stub instead of ``chaos``: an experiment, the stub's acts, and what came of them."""

import json
import sys
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from campaigns import PASSED
from examples import broken, held, unknown

from gameday.campaign.asking import Wish, campaign_of
from gameday.campaign.running import Runner
from gameday.facts.selftest import SelfTest
from gameday.record.campaign import CampaignFolder
from gameday.record.lines import Damage

STUB = (sys.executable, str(Path(__file__).with_name("stub_chaos.py")))
EXPERIMENT = {
    "title": "A stub is lost",
    "description": "By a stub of chaos.",
    "configuration": {
        "drill": "stub", "lab": "local", "reports": "reports", "rto_s": 1800, "rpo_s": 600, "users": 50,
        "timer_scale": 0.1, "live": [],
    },
    "controls": [
        {"name": "drill", "provider": {"type": "python", "module": "gameday.chaos.controls.drill"}}
    ],
    "method": [
        {
            "type": "action", "name": "observe",
            "provider": {"type": "python", "module": "gameday.chaos.actions", "func": "observe"},
        }
    ],
}  # fmt: skip


@dataclass
class Stage:
    folder: Path
    said: list[str] = field(default_factory=list)
    selftest: SelfTest = PASSED

    def __post_init__(self):
        self.experiment = self.folder / "experiment.json"
        self.experiment.write_text(json.dumps(EXPERIMENT))
        for name, made in (("HELD", held()), ("BROKEN", broken()), ("UNKNOWN", unknown())):
            (self.folder / f"{name}.json").write_bytes(msgspec.json.encode(made))

    def acts(self, *acts):
        (self.folder / "acts").write_text("\n".join(acts))

    def changed(self, **configuration):
        tree = {**EXPERIMENT, "configuration": {**EXPERIMENT["configuration"], **configuration}}
        self.experiment.write_text(json.dumps(tree))

    def wish(self, times=1, **changes):
        return Wish(self.experiment, times, **{"reports": self.reports, **changes})

    @property
    def reports(self):
        return self.folder / "reports"

    def begun(self, times=1, **changes):
        """The campaign and its folder, as the command line makes them."""
        campaign = campaign_of(self.wish(times, **changes))
        folder = CampaignFolder.create(campaign.reports, campaign.plan.name)
        folder.write_plan(campaign.plan)
        return campaign, folder

    def runner(self, campaign, folder):
        return Runner(campaign, folder, say=self.said.append, command=STUB, selftest=lambda reports: self.selftest)

    def run(self, *acts, **changes):
        """A campaign of these acts to its end; returns its folder and what it measured."""
        self.acts(*acts)
        campaign, folder = self.begun(changes.pop("times", len(acts)), **changes)
        return folder, self.runner(campaign, folder).run()

    def calls(self):
        return [json.loads(line) for line in (self.folder / "calls.ndjson").read_text().splitlines()]


def done(folder):
    return folder.read_done(Damage())
