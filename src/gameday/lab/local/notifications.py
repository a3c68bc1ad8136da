"""SNS beyond the control plane: HTTP posts and an outbox of e-mails, none of which can hold the publisher up."""

import json
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gameday.clock import SYSTEM, Clock
from gameday.lab.local.errands import Errands
from gameday.lab.local.ground import ACCOUNT, Ground

HTTP_TIMEOUT_S = 5.0  # SNS waits 15 s
ATTEMPTS = 3
PAUSE_S = 1.0
HTTP_THREADS = 4

_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a lab's subscriber is never behind a proxy


@dataclass(frozen=True, slots=True)
class Notification:
    """One message on its way to one subscriber."""

    subscription: Any
    message_id: str
    subject: str | None
    message: str
    attributes: Mapping[str, Any] | None

    @property
    def what(self) -> str:
        return f"notification {self.message_id} to {self.subscription.protocol} {self.subscription.endpoint}"


@dataclass
class Notifications:
    """Delivers what leaves the control plane: ``http(s)`` by posting, e-mail and SMS into ``folder/outbox.ndjson``.

    :meth:`accept` takes the place of moto's ``Subscription.publish`` for these protocols and only queues. A post is
    tried three times; a failure for good is said in the lab's log and counted in ``failures``.
    """

    ground: Ground
    clock: Clock = SYSTEM
    name: str = field(default="notifications", init=False)

    def __post_init__(self) -> None:
        self._posts = Errands("notifications", self.ground.said, HTTP_THREADS)
        self._letters = Errands("outbox", self.ground.said)
        self._topics = Errands("topics", self.ground.said)

    @property
    def failures(self) -> int:
        return self._posts.failures + self._letters.failures + self._topics.failures

    def publish(self, topic_arn: str, subject: str, message: str) -> None:
        """Publish to a topic of moto's, from a thread of ours; returns at once."""
        from moto.sns.models import sns_backends

        backend = sns_backends[ACCOUNT][topic_arn.split(":")[3]]
        self._topics.send(f"publishing to {topic_arn}", lambda: backend.publish(message, topic_arn, subject=subject))

    def accept(
        self,
        subscription: Any,
        message: str,
        message_id: str,
        subject: str | None = None,
        message_attributes: dict[str, Any] | None = None,
        group_id: str | None = None,
        deduplication_id: str | None = None,
        message_structure: str | None = None,
    ) -> None:
        """Queue one notification; its filter policy and message structure are honoured. Returns at once."""
        matcher = subscription._filter_policy_matcher
        if matcher is not None and not matcher.matches(message_attributes, message):
            return
        if message_structure == "json":
            message = subscription._parse_message_structure(message, subscription.protocol)
        note = Notification(subscription, message_id, subject, message, message_attributes)
        if subscription.protocol in ("http", "https"):
            self._posts.send(note.what, lambda: self._post(note))
        else:
            utc = self.clock.utc()
            self._letters.send(note.what, lambda: self._write(note, utc))

    def reconcile(self) -> None:
        """Nothing to keep true: notifications go out as they come."""

    def close(self) -> None:
        """Send nothing more. Safe twice."""
        for errands in (self._topics, self._posts, self._letters):
            errands.close()

    def _post(self, note: Notification) -> None:
        body = json.dumps(note.subscription.get_post_data(note.message, note.message_id, note.subject, note.attributes))
        headers = {
            "Content-Type": "text/plain; charset=UTF-8",
            "x-amz-sns-message-type": "Notification",
            "x-amz-sns-message-id": note.message_id,
            "x-amz-sns-topic-arn": note.subscription.topic_arn,
            "x-amz-sns-subscription-arn": note.subscription.arn,
        }
        request = urllib.request.Request(note.subscription.endpoint, body.encode(), headers, method="POST")
        for attempt in range(1, ATTEMPTS + 1):
            try:
                _direct.open(request, timeout=HTTP_TIMEOUT_S).close()
            except OSError:
                if attempt == ATTEMPTS or self._posts.stopping.wait(PAUSE_S * self.ground.scale):
                    raise
            else:
                return

    def _write(self, note: Notification, utc: str) -> None:
        letter = {
            "utc": utc,
            "topic": note.subscription.topic_arn,
            "to": note.subscription.endpoint,
            "subject": note.subject,
            "message": note.message,
        }
        with (self.ground.folder / "outbox.ndjson").open("a") as outbox:
            outbox.write(json.dumps(letter) + "\n")
