"""What ``chaos run FILE --var …`` would ask of a drill, read beforehand and by the same rules; nothing is created."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chaoslib.configuration import load_configuration
from chaoslib.exceptions import ChaosException
from chaoslib.experiment import ensure_experiment_is_valid
from chaoslib.loader import load_experiment
from chaoslib.secret import load_secrets

from gameday.chaos.experiment import Asked, check_given, read
from gameday.errors import ExperimentError

REPORTS = "reports"  # the key of the configuration that says where records go


@dataclass(frozen=True, slots=True)
class ExperimentFile:
    """An experiment as Chaos Toolkit loaded it."""

    path: Path
    tree: Mapping[str, Any]

    def asks(self, given: Mapping[str, str]) -> Asked:
        """What the drill would be with these ``--var``; raises :class:`ExperimentError` where ``chaos run`` would."""
        return read(dict(self.tree), *self.loaded(given))

    def loaded(self, given: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Configuration and secrets with these ``--var``, as the activities will have them."""
        configured = self.tree.get("configuration") or {}
        check_given(given, configured)
        try:
            configuration = load_configuration(configured, dict(given))  # which empties what it is handed
            secrets = load_secrets(self.tree.get("secrets") or {}, configuration)
        except (ChaosException, ValueError) as cause:
            raise ExperimentError(f"a configuration of {self.path} that can be read", str(cause)) from cause
        return configuration, secrets

    def leaves_to_the_shell(self, key: str) -> bool:
        """Whether a variable of the environment decides over ``key``."""
        value = (self.tree.get("configuration") or {}).get(key)
        return isinstance(value, Mapping) and value.get("type") == "env"

    @property
    def takes_reports(self) -> bool:
        """Whether ``--var reports=…`` can move its records."""
        return REPORTS in (self.tree.get("configuration") or {})


def experiment_file(path: Path) -> ExperimentFile:
    """Load and validate an experiment; raises :class:`ExperimentError` when Chaos Toolkit would refuse it."""
    if not path.is_file():
        raise ExperimentError(f"an experiment at {path}", "no such file", "name a Chaos Toolkit experiment file")
    try:
        tree = load_experiment(str(path))
        ensure_experiment_is_valid(tree)
    except (ChaosException, ValueError, TypeError, AttributeError) as cause:  # a list for an experiment, for example
        raise ExperimentError(
            f"an experiment that Chaos Toolkit takes in {path}", str(cause), "chaos validate"
        ) from cause
    return ExperimentFile(path, tree)
