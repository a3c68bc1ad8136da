"""What a drill of a special kind is about, as one figure at the top: documents, a restore, the way back."""

from gameday.facts import Measurement, Reprotection, Restore
from gameday.facts.documents import ObjectsOutcome
from gameday.report import words
from gameday.report.parts import Figure, Tone


def special(measurement: Measurement) -> tuple[Figure, ...]:
    """None for a drill that is about RTA and RPA alone."""
    found = (
        _documents(measurement.objects) if measurement.objects else None,
        _restored(measurement.restore) if measurement.restore else None,
        _back(measurement.reprotection) if measurement.reprotection else None,
    )
    return tuple(each for each in found if each)


def _documents(found: ObjectsOutcome) -> Figure:
    label, bad = "Documents gone or altered", found.unrecovered + found.altered
    noticed = f"noticed after {words.duration(found.detected_s)}"
    if found.recovery_s is None or found.unread:
        why = words.sentence(found.why or f"{words.counted(found.unread, 'document')} unread")
        return Figure(label, words.count(bad) if bad else "unknown", Tone.BAD if bad else Tone.DOUBT, why, (noticed,))
    broken = words.counted(found.broken, "broken one") if found.broken is not None else "the broken ones"
    there = f"{broken} brought back {words.duration(found.recovery_s)} after the fault"
    return Figure(label, words.count(bad) if bad else "none", Tone.BAD if bad else Tone.GOOD, there, (noticed,))


def _restored(found: Restore) -> Figure:
    label = "Restore of the database"
    if found.restore_s is None or found.verified is None:
        return Figure(label, "unknown", Tone.DOUBT, words.sentence(found.why or "nobody saw its end"))
    before = found.acknowledged_before or 0
    held = f"{words.count(found.verified)} of {words.counted(before, 'older write')} there, with their checksums"
    age = f"the backup was {words.duration(found.age_s)} old at the fault"
    return Figure(
        label, words.duration(found.restore_s), Tone.GOOD if found.verified == before else Tone.BAD, held, (age,)
    )


def _back(found: Reprotection) -> Figure:
    label = "Time to re-protected"
    if found.since_healing_s is None:
        return Figure(label, "unknown", Tone.DOUBT, words.sentence(found.why or "nobody saw it"))
    lost = "not known what was lost" if found.lost is None else f"{words.counted(found.lost, 'write')} lost by it"
    interrupted = f"clients waited {words.duration(found.interruption_s)} for the switch back"
    tone = Tone.DOUBT if found.lost is None else Tone.BAD if found.lost else Tone.GOOD
    return Figure(label, words.duration(found.since_healing_s), tone, lost, (interrupted,))
