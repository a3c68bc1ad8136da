"""What ``chaos discover chaostoolkit-gameday`` lists."""

from importlib.metadata import version
from typing import Any

from chaoslib.discovery.discover import discover_actions, discover_probes, initialize_discovery_result


def discovered() -> dict[str, Any]:
    """Every action and probe of gameday, in Chaos Toolkit's own form; tolerances are listed as probes."""
    found: dict[str, Any] = initialize_discovery_result(
        "chaostoolkit-gameday", version("chaostoolkit-gameday"), "gameday"
    )
    found["activities"] += discover_actions("gameday.chaos.actions")
    found["activities"] += discover_probes("gameday.chaos.probes")
    found["activities"] += discover_probes("gameday.chaos.tolerances")
    return found
