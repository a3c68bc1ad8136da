"""FIS: an experiment goes on and ends by what the lab does with it, not by being looked at."""

from typing import Any

from gameday.lab.local.patches.seam import demand


def install() -> None:
    """Put the patch in; raises UpstreamMoved."""
    from moto.fis.models import Experiment, FISBackend
    from moto.moto_api import state_manager

    state_manager.set_transition("fis::experiment", {"progression": "manual", "times": 2**62})
    _self_test(Experiment, FISBackend)


def _self_test(experiment: Any, backend_class: Any) -> None:
    """An experiment of a scratch backend is pending however often it is described."""
    scratch = backend_class("us-east-1", "000000000000")
    made = scratch.create_experiment_template(None, "probe", [], {}, {"one": {"actionId": "aws:fis:wait"}}, "role")
    started = scratch.start_experiment(None, made["id"])
    seen = {scratch.get_experiment(started["id"])["state"]["status"] for _ in range(4)}
    demand(seen == {"pending"}, "an experiment that never moves by itself", repr(seen))
    demand("stopped" in experiment.TERMINAL_STATUSES, "experiments that are stopped", repr(vars(experiment)))
