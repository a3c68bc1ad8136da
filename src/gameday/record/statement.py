"""``statement.json``: what the drill showed, as an in-toto Statement with a test result as its predicate, to be signed.

Forms: https://in-toto.io/Statement/v1 and https://in-toto.io/attestation/test-result/v0.1. The predicate has no word
for "not shown": WARNED is a test that *passed* with warnings. So UNKNOWN is FAILED, as everywhere in gameday, and the
verdict itself stands in the annotations of the first subject.

| verdict | result |
|---|---|
| HELD | PASSED; WARNED when a rule without weight has something to say |
| BROKEN | FAILED |
| UNKNOWN | FAILED |
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from gameday.facts import REMARKS, Finding, Measurement, Plan, Verdict

RESULTS = {Verdict.BROKEN: "FAILED", Verdict.UNKNOWN: "FAILED"}


class Descriptor(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A ResourceDescriptor: something with a digest."""

    name: str
    digest: Mapping[str, str]
    annotations: Mapping[str, Any] = {}


class TestResult(msgspec.Struct, frozen=True, rename="camel"):
    """The predicate; tests are the rules of the verdict that had a finding, by their names."""

    __test__ = False  # for pytest

    result: str
    configuration: tuple[Descriptor, ...]
    url: str
    passed_tests: tuple[str, ...]
    warned_tests: tuple[str, ...]
    failed_tests: tuple[str, ...]


class Statement(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """The whole statement; it holds nothing that its record does not, so that it can be made again and compared."""

    type: str = msgspec.field(name="_type", default="https://in-toto.io/Statement/v1")
    subject: tuple[Descriptor, ...]
    predicate_type: str = "https://in-toto.io/attestation/test-result/v0.1"
    predicate: TestResult


def statement_of(plan: Plan, measurement: Measurement, *, manifest_sha256: str, plan_sha256: str) -> Statement:
    """What a sealed record states: of its manifest, and of the deployment that was under test, by its stack outputs."""
    failed = _rules(one for one in measurement.findings if one.weight is not Verdict.HELD)
    others = [one for one in measurement.findings if one.rule not in failed]
    warned = _rules(one for one in others if one.rule in REMARKS)
    passed = _rules(one for one in others if one.rule not in REMARKS)
    result = RESULTS.get(measurement.verdict, "WARNED" if warned else "PASSED")
    configuration = (Descriptor(name="plan.json", digest={"sha256": plan_sha256}),)
    return Statement(
        subject=(_record(plan, measurement, manifest_sha256), *_deployment(plan)),
        predicate=TestResult(result, configuration, "index.html", passed, warned, failed),
    )


def _record(plan: Plan, measurement: Measurement, manifest_sha256: str) -> Descriptor:
    told = {"drill": plan.drill, "started_utc": plan.started_utc, "verdict": measurement.verdict.value}
    return Descriptor(name="manifest.json", digest={"sha256": manifest_sha256}, annotations=told)


def _deployment(plan: Plan) -> tuple[Descriptor, ...]:
    """None where no lab came up: then nothing was under test."""
    if not plan.outputs:
        return ()
    outputs = msgspec.json.encode(plan.outputs, order="deterministic")
    told = {"lab": plan.lab, "lab_name": plan.lab_name, "primary": plan.primary, "secondary": plan.secondary}
    digest = {"sha256": hashlib.sha256(outputs).hexdigest()}
    return (Descriptor(name="outputs of plan.json", digest=digest, annotations=told),)


def _rules(findings: Iterable[Finding]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.rule or one.what for one in findings))
