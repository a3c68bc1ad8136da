"""Drills made by hand: one that held, one that broke, one that proved nothing; and one full of hostile strings."""

from dataclasses import replace
from math import exp

from gameday.facts import (
    AlarmSeen,
    Availability,
    Bucket,
    ClockTold,
    Event,
    FaultWindow,
    Finding,
    Floor,
    Kind,
    Measurement,
    Objectives,
    Phase,
    Plan,
    ProberQuality,
    RecoveryPoint,
    RecoveryTime,
    Timers,
    Verdict,
    Witness,
    WriteClass,
)  # fmt: skip

BOOT, ZERO_NS = "boot-1", 1_000_000_000_000
PRIMARY, SECONDARY = "ap-southeast-2", "us-west-2"
FAULT = "RegionOutage(region='ap-southeast-2')"
HOSTILE = (
    "<script>document.title='owned'</script><img src='https://leak.invalid/x' onerror=\"document.title='owned'\">"
    "'\"&{{7*7}}\u202e\x1b[31m\x00"
)

PLAN = Plan(
    drill="region-outage",
    title="A whole region goes dark; writes go on in the other",
    started_utc="2026-11-23T18:11:02.482114Z",
    boot=BOOT,
    who="ana@build-7",
    objectives=Objectives(rto_s=1800, rpo_s=600),
    timers=Timers(
        scale=0.1, health_check_interval_s=1.0, health_check_threshold=3, health_check_timeout_s=0.4, dns_ttl_s=3,
        alarm_period_s=6.0, alarm_periods=2, rds_promotion_s=6.0, ecs_start_s=3.0,
        asl_wait_s={"WaitForPromotion": 1.0, "WaitForTasks": 1.0}, window_s=3.0,
    ),
    lab="local",
    lab_name="drill-4c1f",
    primary=PRIMARY,
    secondary=SECONDARY,
    expected_alarms=("gameday-primary-health", "gameday-running-tasks"),
    outputs={"ServiceName": "app.gameday.example", "HealthCheckId": "0f1b-22", "TopicArn": "arn:aws:sns:gameday"},
    versions={"gameday": "0.1.0", "PostgreSQL": "18.6", "chaostoolkit": "1.21.4", "moto": "5.2.5", "Python": "3.12.11"},
    limits=(
        "IAM: nobody is refused anything here; whether the roles of infra/ suffice shows only in an account",
        "AWS's own timings: promotion, task starts and alarms follow stated delays, not a data centre's",
        "the routing latch leans on Route 53's control plane in us-east-1, which this lab never takes down",
        "capacity: both regions share one machine, so throughput after the failover says nothing about AWS",
    ),
    load={"users": 20, "spawn_rate": 20, "workers": 0, "writes_per_s": 20, "reads_per_s": 20, "probe_timeout_s": 1.0},
    faults=(FAULT,),
    stays_reachable=(
        "traffic between hosts of one subnet",
        "DNS of the VPC and the instance metadata service",
        "the region's AWS APIs (RDS, ECS, S3, Secrets Manager …), and RDS's own management of the database",
    ),
    link_latency_s=0.07,
    metric_period_s=6.0,
    experiment={"title": "Region outage", "method": [{"type": "action", "name": "cut-region"}]},
)  # fmt: skip


def utc(at_s: float) -> str:
    """The stamp of an instant, ``at_s`` after the fault at 18:11:31.206."""
    minute, second = divmod(31.206 + at_s, 60)
    return f"2026-11-23T18:{11 + int(minute):02}:{second:09.6f}Z"


def event(at_s: float, kind: Kind, what: str, region: str | None = None, **detail: object) -> Event:
    return Event(BOOT, ZERO_NS + int(at_s * 1e9), utc(at_s), kind, what, region, detail)


EVENTS = (
    event(-14.0, Kind.PHASE, "baseline"),
    event(-0.5, Kind.LAG, "0.071", SECONDARY, lag_s=0.071),
    event(0.0, Kind.FAULT, FAULT, PRIMARY),
    event(0.42, Kind.FAULT_VERIFIED, FAULT, PRIMARY, health_path="the balancer answers nobody", tasks="no database"),
    event(3.31, Kind.HEALTH_CHECK, "unhealthy", PRIMARY),
    event(15.02, Kind.ALARM, "ALARM", "us-east-1", name="gameday-primary-health"),
    event(15.31, Kind.LATCH, "us-west-2.app.gameday.example", latched=True),
    event(21.93, Kind.DATABASE, "available", SECONDARY, role="primary", id="gameday-replica"),
    event(44.1, Kind.FENCED, "tasks 0, database closed", PRIMARY),
    event(44.2, Kind.HEAL, FAULT, PRIMARY),
    event(45.0, Kind.HEALED, FAULT, PRIMARY),
    event(47.0, Kind.OBSERVATION_END, ""),
)

PHASES = (
    Phase("fault", 0.0, utc(0), FAULT),
    Phase("first client error", 0.918, utc(0.918), "write probe 311: timeout"),
    Phase("health check unhealthy", 3.31, utc(3.31), "3 failures in a row"),
    Phase("alarm", 15.02, utc(15.02), "gameday-primary-health is in ALARM"),
    Phase("failover started", 15.114, utc(15.114), "gameday-failover is RUNNING"),
    Phase("DNS latched", 15.31, utc(15.31), "PRIMARY record → us-west-2.app.gameday.example"),
    Phase("promoted", 21.93, utc(21.93), "gameday-replica is available, role primary"),
    Phase("endpoint rewritten", 22.105, utc(22.105), "not needed"),
    Phase("scaled", 27.76, utc(27.76), "2/2 tasks"),
    Phase("resolver answers the standby", 18.02, utc(18.02), "127.4.2.1"),
    Phase("first good write", 22.061, utc(22.061), "write probe 720, served by us-west-2"),
    Phase("sustained", 22.211, utc(22.211), "opens the sustained window, the later of writes and reads"),
    Phase("full throughput", None),
)


def bucket(target: str, client: str, at_s: float, back_s: float) -> Bucket:
    """Half a second of a drill: all good, none from the fault to ``back_s``, then good again and a little slower."""
    down = 0 <= at_s < back_s
    good = 0 if down else 10
    if down:
        return Bucket(target, client, at_s, 10, good, None, None)
    warm = 0 if at_s < 0 else 40 * exp((back_s - at_s) / 4)
    wave = (at_s * 7919 % 13) / 4
    slow = 4 if client == "fresh" else 0
    return Bucket(target, client, at_s, 10, good, 9 + slow + wave + warm / 4, 21 + slow + 4 * wave + warm)


def buckets(write_back_s: float = 22, read_back_s: float = 18) -> tuple[Bucket, ...]:
    back = {("write", "fresh"): 0, ("write", "kept"): 1.5, ("read", "fresh"): 0, ("read", "kept"): 1}
    return tuple(
        bucket(target, client, half / 2, (write_back_s if target == "write" else read_back_s) + later)
        for (target, client), later in back.items()
        for half in range(-28, 94)
    )


def classes(**counts: int) -> dict[str, int]:
    return {each.value: counts.get(each.value, 0) for each in WriteClass}


def held() -> Measurement:
    """The failover worked: 22.2 s against 3 min, 37 writes lost within 85 ms."""
    ids = tuple(f"locust-1-{number:06}" for number in range(4_101, 4_138))
    return Measurement(
        drill="region-outage",
        verdict=Verdict.HELD,
        objectives=PLAN.objectives,
        timer_scale=0.1,
        fault=FaultWindow(FAULT, PRIMARY, ZERO_NS, utc(0), ZERO_NS + 45_000_000_000, verified=True),
        rta_s=22.211,
        excess_s=3.211,
        recovery_times=(
            RecoveryTime("write", "fresh", 22.211, 22.161, 22.211, 445, 1220),
            RecoveryTime("read", "fresh", 18.06, 18.01, 18.06, 361, 1220),
            RecoveryTime("write", "kept", 23.703, 23.652, 23.703, 474, 1220),
            RecoveryTime("read", "kept", 19.11, 19.06, 19.11, 382, 1220),
        ),
        recovery_point=RecoveryPoint(
            0.0853, 37, 9_472, ids, Witness.AGREES, "all 37 lost transactions are commits after the fork at 0/3A21F08",
            Witness.AGREES, "0.071 s observed, within 6.2 s of it", 0.071, 37, 0,
        ),
        floor=Floor(
            19.0,
            (
                ("health check: interval × (threshold − 1)", 2.0), ("alarm: period × periods − one sample", 11.0),
                ("state machine: waits before the promotion", 0.0), ("database: promotion", 6.0),
            ),
        ),
        classes=classes(lost=37, kept=8_911, recovered=4, absent=12, refused=318),
        unexpected=0,
        split_brain=0,
        attempts=9_402,
        writes=9_282,
        acknowledged=8_948,
        phases=PHASES,
        clocks=(
            ClockTold("first client error", 21.293), ClockTold("detection", 18.901),
            ClockTold("failover started", 7.097), ClockTold("approval", None),
        ),
        availability=(Availability("write", 775, 1220, 280, 280), Availability("read", 859, 1220, 280, 280)),
        alarms=(
            AlarmSeen("gameday-primary-health", True, 15.02, 46.1),
            AlarmSeen("gameday-running-tasks", True, None, None),
            AlarmSeen("gameday-5xx", False, 17.2, None),
        ),
        findings=(
            Finding(
                Verdict.HELD, "clients were served again within the RTO",
                "the recovery time actual to be at most 1800.000 s (RTO)", "22.211 s",
            ),
            Finding(
                Verdict.HELD, "what was lost lies within the RPO",
                "the recovery point actual to be at most 600.000 s (RPO)", "0.085 s, 37 acknowledged writes lost",
            ),
            Finding(
                Verdict.HELD, "an expected alarm stayed silent", "gameday-running-tasks to fire after the fault",
                "it did not fire",
            ),
        ),
        buckets=buckets(),
        prober=ProberQuality(2440, 2440, 0.42, 3.81),
    )  # fmt: skip


def broken() -> Measurement:
    """Served again too late, and the old primary went on taking writes: whatever the objectives, that is broken."""
    good = held()
    return replace(
        good,
        verdict=Verdict.BROKEN,
        objectives=Objectives(rto_s=15, rpo_s=5),
        timer_scale=1.0,
        rta_s=22.211,
        recovery_point=replace(
            good.recovery_point, rpa_s=7.482, lost=1_204, lost_bytes=308_224, wal=Witness.DISAGREES,
            wal_why="1,203 of 1,204 lost transactions are commits after the fork; 88121 is not",
            lag=Witness.UNAVAILABLE, lag_why="no sample of the lag before the fault", lag_s=None, wal_lost_xids=1_203,
            straddling=2, lost_ids=tuple(f"locust-1-{number:06}" for number in range(1_000)),
        ),
        classes=classes(diverged=3, lost=1_204, kept=7_741, recovered=4, absent=12, refused=318),
        split_brain=5,
        findings=(
            Finding(
                Verdict.BROKEN, "orders were acknowledged by the old primary after the standby was promoted",
                "no diverged write", "3: locust-2-000411, locust-2-000412, locust-2-000415",
                "look at diverged ids in the ledger",
            ),
            Finding(
                Verdict.BROKEN, "the old primary went on committing after the standby was promoted (split brain)",
                "no row committed on the old primary after the promotion", "5",
                "fence the old primary before the promotion",
            ),
            Finding(
                Verdict.BROKEN, "clients waited longer than the RTO",
                "the recovery time actual to be at most 15.000 s (RTO)", "22.211 s",
            ),
            Finding(
                Verdict.BROKEN, "more was lost than the RPO allows",
                "the recovery point actual to be at most 5.000 s (RPO)", "7.482 s, 1204 acknowledged writes lost",
            ),
            Finding(Verdict.UNKNOWN, "witnesses disagree", "WAL to agree with the ledger", "it disagrees"),
        ),
    )  # fmt: skip


def unknown() -> Measurement:
    """The prober died before the recovery, and the survivor could not be read back."""
    good = held()
    return replace(
        good,
        verdict=Verdict.UNKNOWN,
        rta_s=None,
        excess_s=None,
        recovery_times=(
            RecoveryTime("write", "fresh", None, 14.2, None, 284, 284, "no window of 3.0 s and 200 probes was good"),
            RecoveryTime("read", "fresh", None, 14.2, None, 283, 284, "no window of 3.0 s and 200 probes was good"),
        ),
        recovery_point=RecoveryPoint(
            None, 0, None, (), Witness.UNAVAILABLE, "the old primary's WAL was not read", Witness.UNAVAILABLE,
            "there is no recovery point to hold it against", 0.071, None, 0, "the read-back is incomplete",
        ),
        floor=Floor(None, (), "the failover never came to PromoteReplica"),
        classes={},
        split_brain=None,
        phases=tuple(replace(each, at_s=None, utc=None, evidence="") if number > 3 else each
                     for number, each in enumerate(PHASES)),
        clocks=tuple(replace(each, at_s=None) for each in good.clocks),
        alarms=(AlarmSeen("gameday-primary-health", True, 15.02, None),),
        findings=(
            Finding(
                Verdict.UNKNOWN, "the prober died during the drill", "the prober to live until it is stopped", "died",
                "look at the prober's log",
            ),
            Finding(
                Verdict.UNKNOWN, "the read-back is incomplete", "every surviving row read back",
                "page 14 of the read-back answered 503",
            ),
        ),
        buckets=tuple(each for each in good.buckets if each.at_s < 14.2),
        prober=ProberQuality(1_136, 1_130, 0.4, 41.0),
    )  # fmt: skip


def hostile() -> tuple[Plan, Measurement, tuple[Event, ...]]:
    """Every string that a record can carry, replaced by one that would like to be a script."""
    plan = replace(
        PLAN, drill=HOSTILE, title=HOSTILE, who=HOSTILE, lab_name=HOSTILE, primary=HOSTILE, limits=(HOSTILE,),
        stays_reachable=(HOSTILE,), faults=(HOSTILE,), expected_alarms=(HOSTILE,), outputs={HOSTILE: HOSTILE},
        versions={HOSTILE: HOSTILE}, load={HOSTILE: HOSTILE}, experiment={HOSTILE: [HOSTILE]}, started_utc=HOSTILE,
    )  # fmt: skip
    base = broken()
    point = replace(
        base.recovery_point, lost_ids=(HOSTILE,), wal_why=HOSTILE, lag_why=HOSTILE, why=HOSTILE
    )  # fmt: skip
    measurement = replace(
        base,
        drill=HOSTILE,
        recovery_point=point,
        recovery_times=(RecoveryTime(HOSTILE, HOSTILE, None, None, None, 1, 2, HOSTILE),),
        floor=Floor(1.0, ((HOSTILE, 1.0),), HOSTILE),
        phases=(Phase(HOSTILE, 1.0, HOSTILE, HOSTILE), Phase(HOSTILE, None, HOSTILE, HOSTILE)),
        clocks=(ClockTold(HOSTILE, 1.0),),
        availability=(Availability(HOSTILE, 1, 2, 1, 2),),
        alarms=(AlarmSeen(HOSTILE, True, 1.0, None),),
        findings=(Finding(Verdict.BROKEN, HOSTILE, HOSTILE, HOSTILE, HOSTILE),),
        buckets=(*base.buckets, *(Bucket(HOSTILE, HOSTILE, at_s, 2, 1, 4.0, 5.0) for at_s in (1.0, 2.0))),
    )  # fmt: skip
    return plan, measurement, (event(1.0, Kind.FENCED, HOSTILE, HOSTILE, **{HOSTILE: HOSTILE}),)
