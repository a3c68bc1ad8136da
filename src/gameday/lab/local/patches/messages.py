"""SNS and EventBridge: notifications leave the caller's thread, and each event goes to the lab once."""

import threading
from datetime import UTC, datetime
from typing import Any

from gameday.lab.local.patches.seam import demand, hooks, swap

LEAVES_THE_CLOUD = ("http", "https", "email", "email-json", "sms")
_handing_over = threading.local()


def install() -> None:
    """Put the patches in; raises UpstreamMoved."""
    _notifications()
    _events()


def _notifications() -> None:
    from moto.sns.models import Subscription

    def publish(self: Any, *args: Any, **kwargs: Any) -> None:
        take = hooks().publish
        if take is not None and self.protocol in LEAVES_THE_CLOUD:
            take(self, *args, **kwargs)
        else:
            original(self, *args, **kwargs)

    parameters = "self, message, message_id, subject, message_attributes, group_id, deduplication_id, message_structure"
    original = swap(Subscription, "publish", publish, expects=parameters)


def _events() -> None:
    from moto.events.models import EventsBackend, Rule

    def put_events(self: Any, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
        take = hooks().event
        if take is None:
            entries: list[dict[str, Any]] = original(self, events)
            return entries
        _handing_over.now = True
        try:
            entries = original(self, events)
        finally:
            _handing_over.now = False
        for asked, entry in zip(events, entries, strict=True):
            if "EventId" in entry:
                bus = self._normalize_event_bus_arn(asked.get("EventBusName"))
                take(self.region_name, bus, event_message(self, asked, entry["EventId"]))
        return entries

    def send_to_targets(self: Any, *args: Any, **kwargs: Any) -> None:
        if not getattr(_handing_over, "now", False):  # else the hook matches rules and reaches targets
            deliver(self, *args, **kwargs)

    original = swap(EventsBackend, "put_events", put_events, expects="self, events")
    deliver = swap(Rule, "send_to_targets", send_to_targets, expects="self, original_event, transform_input")
    demand(hasattr(EventsBackend, "_normalize_event_bus_arn"), "EventsBackend._normalize_event_bus_arn", "none")


def event_message(backend: Any, asked: dict[str, Any], event_id: str) -> dict[str, Any]:
    """The event as a rule's pattern and its targets see it; ``time`` is ISO text to the second, AWS's form."""
    import json

    return {
        "version": "0",
        "id": event_id,
        "detail-type": asked["DetailType"],
        "source": asked["Source"],
        "account": backend.account_id,
        "time": _iso(asked.get("Time")),
        "region": backend.region_name,
        "resources": asked.get("Resources", []),
        "detail": json.loads(asked["Detail"]),
    }


def _iso(given: Any) -> str:
    if isinstance(given, str):
        given = float(given) if given.replace(".", "", 1).isdigit() else datetime.fromisoformat(given)
    if isinstance(given, int | float):
        given = datetime.fromtimestamp(given, UTC)
    moment = given if isinstance(given, datetime) else datetime.now(UTC)
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
