"""FIS experiments: the one action that the local lab does is ``aws:s3:bucket-pause-replication``.

Its targets are buckets of the experiment's region, by tag as AWS demands it, or by ARN; its parameters are
``duration``, ``region`` (of the destinations), ``destinationBuckets`` and ``prefixes`` (FIS user guide, "AWS FIS
actions reference"). In AWS what is there already may go on being copied for up to an hour; here the pause begins at
once.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gameday.lab.local.ground import ACCOUNT, PRIMARY, SECONDARY

ACTION = "aws:s3:bucket-pause-replication"
_DURATION = re.compile(r"PT(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?")


@dataclass(frozen=True, slots=True)
class Pause:
    """Replication that stands still: from these buckets, to a region or to buckets of it, under these rule prefixes."""

    sources: frozenset[str]
    region: str
    destinations: frozenset[str]  # empty: every bucket of the region
    prefixes: frozenset[str]  # empty: every rule

    def covers(self, source: Any, prefix: str, destination: Any) -> bool:
        """Whether copies of ``source``'s rule with that prefix to ``destination`` wait."""
        return (
            source.name in self.sources
            and destination.region_name == self.region
            and (not self.destinations or destination.name in self.destinations)
            and (not self.prefixes or prefix in self.prefixes)
        )


def attend(scale: float, now_s: float, said: Callable[[str], None]) -> list[Pause]:
    """Move every experiment on, as AWS's life cycle has it, and return the pauses of those that run."""
    from moto.fis.models import fis_backends

    found: list[Pause] = []
    for region in (PRIMARY, SECONDARY):
        for experiment in list(fis_backends[ACCOUNT][region].experiments.values()):
            if experiment.status not in experiment.TERMINAL_STATUSES:
                experiment.status = _next(experiment, scale, now_s, said)
            if experiment.status == "running":
                found += [_pause(region, experiment, action) for action in experiment.actions.values()]
    return found


def _next(experiment: Any, scale: float, now_s: float, said: Callable[[str], None]) -> str:
    if experiment.status == "stopping":
        return "stopped"
    unknown = [one["actionId"] for one in experiment.actions.values() if one["actionId"] != ACTION]
    if unknown:
        said(f"FIS experiment {experiment.id}: the local lab does not do {', '.join(unknown)}")
        return "failed"
    lasts_s = [duration_s(one.get("parameters", {}).get("duration", "")) for one in experiment.actions.values()]
    if any(each is None for each in lasts_s):
        said(f"FIS experiment {experiment.id}: an action without a duration like PT10M")
        return "failed"
    is_over = now_s >= experiment.start_time + max(each or 0.0 for each in lasts_s) * scale
    return "completed" if is_over else "running"


def duration_s(text: str) -> float | None:
    """Seconds of an ISO 8601 duration of hours, minutes and seconds; None when it is none."""
    found = _DURATION.fullmatch(text)
    if not found or not any(found.groups()):
        return None
    hours, minutes, seconds = (int(found[name] or 0) for name in ("hours", "minutes", "seconds"))
    return float(hours * 3600 + minutes * 60 + seconds)


def _pause(region: str, experiment: Any, action: dict[str, Any]) -> Pause:
    asked = action.get("parameters", {})
    target = experiment.targets.get(action.get("targets", {}).get("Buckets", ""), {})
    return Pause(
        sources=frozenset(_targets(region, target)),
        region=asked.get("region", ""),
        destinations=_listed(asked.get("destinationBuckets", "")),
        prefixes=_listed(asked.get("prefixes", "")),
    )


def _targets(region: str, target: dict[str, Any]) -> list[str]:
    from moto.s3.models import s3_backends

    backend = s3_backends[ACCOUNT]["aws"]
    named = {arn.rpartition(":::")[2] for arn in target.get("resourceArns") or ()}
    tags = set((target.get("resourceTags") or {}).items())
    buckets = [bucket for bucket in list(backend.buckets.values()) if bucket.region_name == region]
    return [
        bucket.name
        for bucket in buckets
        if bucket.name in named or (tags and tags <= set(backend.tagger.get_tag_dict_for_resource(bucket.arn).items()))
    ]


def _listed(text: str) -> frozenset[str]:
    return frozenset(part.strip() for part in text.split(",") if part.strip())
