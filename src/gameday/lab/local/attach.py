"""Attaching to a local lab that is up: its state file says where it is, its own endpoint says the rest."""

from gameday.aws import Aws
from gameday.errors import LabError
from gameday.lab.local.ground import PRIMARY, SECONDARY
from gameday.lab.local.home import LabState, list_labs, read_state
from gameday.lab.model import Lab, read_outputs


def attach(name: str, aws: Aws | None = None) -> Lab:
    """The lab of that name as a drill sees it; raises :class:`LabError` when none of that name is up.

    ``aws`` is for who has clients of it already.
    """
    state = living(name)
    aws = aws or Aws(state.endpoint_url)
    own = {
        "link_latency_s": state.link_latency_s,
        "rds_promotion_s": state.rds_promotion_s,
        "ecs_start_s": state.ecs_start_s,
        "lag_metric_period_s": state.lag_metric_period_s,
    }
    outputs = read_outputs(aws, "gameday", PRIMARY, SECONDARY)
    return Lab(name, aws, PRIMARY, SECONDARY, outputs, state.timer_scale, facts=own)


def living(name: str, next_step: str = "") -> LabState:
    """The state of a lab that is up; raises :class:`LabError` otherwise, naming those that are, and what to do."""
    state = read_state(name)
    if state is None or not state.is_alive:
        up = ", ".join(one.name for one in list_labs() if one.is_alive) or "none"
        left = " (one of that name was killed)" if state else ""
        raise LabError(
            f"a lab named {name!r} to be up{left}", f"labs up: {up}", next_step or f"gameday lab up --name {name}"
        )
    return state
