"""The facts that rooms hand to each other: frozen records with units in their names, and nothing else.

Times are UTC text for people (``utc``) and monotonic nanoseconds for arithmetic (``mono_ns``); subtracting is allowed
only between stamps of one ``boot``.
"""

from gameday.facts.lines import Event as Event
from gameday.facts.lines import Probe as Probe
from gameday.facts.lines import Survivor as Survivor
from gameday.facts.lines import WalCommit as WalCommit
from gameday.facts.lines import Write as Write
from gameday.facts.measured import AlarmSeen as AlarmSeen
from gameday.facts.measured import Availability as Availability
from gameday.facts.measured import Bucket as Bucket
from gameday.facts.measured import ClockTold as ClockTold
from gameday.facts.measured import Exposure as Exposure
from gameday.facts.measured import FaultWindow as FaultWindow
from gameday.facts.measured import Finding as Finding
from gameday.facts.measured import Floor as Floor
from gameday.facts.measured import Measurement as Measurement
from gameday.facts.measured import Phase as Phase
from gameday.facts.measured import ProberQuality as ProberQuality
from gameday.facts.measured import RecoveryPoint as RecoveryPoint
from gameday.facts.measured import RecoveryTime as RecoveryTime
from gameday.facts.measured import Reprotection as Reprotection
from gameday.facts.measured import Restore as Restore
from gameday.facts.plan import Objectives as Objectives
from gameday.facts.plan import Plan as Plan
from gameday.facts.plan import Timers as Timers
from gameday.facts.stop import StopCondition as StopCondition
from gameday.facts.words import ABORTED as ABORTED
from gameday.facts.words import APPROVED as APPROVED
from gameday.facts.words import BASELINE_NOT_MET as BASELINE_NOT_MET
from gameday.facts.words import EVIDENCE_CLOSED as EVIDENCE_CLOSED
from gameday.facts.words import FAILBACK as FAILBACK
from gameday.facts.words import FAILBACK_DRAINS as FAILBACK_DRAINS
from gameday.facts.words import FAILBACK_PROMOTES as FAILBACK_PROMOTES
from gameday.facts.words import FAILBACK_PROTECTED as FAILBACK_PROTECTED
from gameday.facts.words import FAILBACK_REBUILDS as FAILBACK_REBUILDS
from gameday.facts.words import INFERRED as INFERRED
from gameday.facts.words import NOT_AS_PLANNED as NOT_AS_PLANNED
from gameday.facts.words import OUTLIVED as OUTLIVED
from gameday.facts.words import READ_BACK_COMPLETE as READ_BACK_COMPLETE
from gameday.facts.words import REMARKS as REMARKS
from gameday.facts.words import REPLAY_LSN as REPLAY_LSN
from gameday.facts.words import RESTORE as RESTORE
from gameday.facts.words import RESTORE_MAKES as RESTORE_MAKES
from gameday.facts.words import RESTORE_SOURCE as RESTORE_SOURCE
from gameday.facts.words import SILENT_HEALTH_PATH as SILENT_HEALTH_PATH
from gameday.facts.words import UNNOTICED as UNNOTICED
from gameday.facts.words import Kind as Kind
from gameday.facts.words import Settlement as Settlement
from gameday.facts.words import Verdict as Verdict
from gameday.facts.words import Witness as Witness
from gameday.facts.words import WriteClass as WriteClass
