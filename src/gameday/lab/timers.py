"""AWS's own delays, with their sources, and what a lab at a given scale makes of them."""

from collections.abc import Mapping

from gameday.errors import InputError
from gameday.facts import Timers

# Route 53: interval 30 s ("standard") or 10 s ("fast"), failure threshold 1-10, default 3; a checker must connect
# within 4 s and read a status within 2 s more (Route 53 developer guide, "How Route 53 determines … healthy").
HEALTH_CHECK_TIMEOUT_S = 4.0
# Ours, not promises of AWS, which gives no figure: a low end for "promotion takes a few minutes" (RDS user guide),
# and for the start of a small Fargate task. Both are parameters of a lab, and named on every report.
RDS_PROMOTION_S = 60.0
ECS_START_S = 30.0
# Ours too: S3 copies "most objects in seconds, and 99.99 % within 15 minutes" where it promises anything at all (S3
# user guide, "Meeting compliance requirements with S3 Replication Time Control").
OBJECT_REPLICATION_S = 15.0
WINDOW_S = 30.0
SCALE_MIN, SCALE_MAX = 0.01, 10.0


def effective(
    scale: float,
    *,
    health_check_interval_s: float,
    health_check_threshold: int,
    dns_ttl_s: float,
    alarm_period_s: float,
    alarm_periods: int,
    asl_wait_s: Mapping[str, float],
    rds_promotion_s: float = RDS_PROMOTION_S,
    ecs_start_s: float = ECS_START_S,
) -> Timers:
    """Every delay at ``scale``; the arguments are the configuration's own figures, at scale 1.

    A TTL is whole seconds on the wire (RFC 1035), so it is rounded, to 1 s at least.
    """
    if isinstance(scale, bool) or not isinstance(scale, int | float) or not SCALE_MIN <= scale <= SCALE_MAX:
        raise InputError(f"a timer scale between {SCALE_MIN:g} and {SCALE_MAX:g}", repr(scale), "1 is real time")
    return Timers(
        scale=scale,
        health_check_interval_s=health_check_interval_s * scale,
        health_check_threshold=health_check_threshold,
        health_check_timeout_s=HEALTH_CHECK_TIMEOUT_S * scale,
        dns_ttl_s=ttl_s(dns_ttl_s, scale),
        alarm_period_s=alarm_period_s * scale,
        alarm_periods=alarm_periods,
        rds_promotion_s=rds_promotion_s * scale,
        ecs_start_s=ecs_start_s * scale,
        asl_wait_s={name: seconds * scale for name, seconds in asl_wait_s.items()},
        window_s=WINDOW_S * scale,
    )


def ttl_s(ttl: float, scale: float) -> int:
    """A DNS TTL at ``scale``: whole seconds, at least 1."""
    return max(1, round(ttl * scale))
