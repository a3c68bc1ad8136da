"""Disaster-recovery drills: break a region on purpose, and measure what the clients lived through.

The public names are loaded when they are first used, so that ``import gameday`` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gameday.drill import Drill as Drill
    from gameday.facts import Objectives as Objectives
    from gameday.facts import Verdict as Verdict

__version__ = "0.1.0"
__all__ = ["Drill", "Objectives", "Verdict", "__version__"]

_HOMES = {"Drill": "gameday.drill", "Objectives": "gameday.facts", "Verdict": "gameday.facts"}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'gameday' has no attribute {name!r}")


def discover(discover_system: bool = True) -> Any:
    """What ``chaos discover chaostoolkit-gameday`` asks: every action and probe, in Chaos Toolkit's own form."""
    return import_module("gameday.chaos.discovery").discovered()
