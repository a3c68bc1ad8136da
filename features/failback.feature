Feature: Return to the primary region
  A lost region comes back behind a fence. Its database parted from the truth, so it is built anew as a replica of the one
  that serves, takes its place again by a planned switch, and the standby is rebuilt behind it. Nothing may be lost on the
  way, and the old primary may take nobody's order.

  The minutes below are minutes of the real deployment; in the lab they shrink with its timers.

  @lab
  Scenario: The primary region was lost, and takes its place again
    Given orders are placed and read without errors
    When the primary region is cut off
    Then orders are accepted in the other region within 30 minutes
    When the region comes back
    Then no client has gone back to it 1 minute later
    When the on-call engineer walks the runbook "failback"
    Then orders are accepted in the primary region again within 30 minutes
    And nothing that was written since the failover is lost
    And both regions protect each other again within 120 minutes of the healing
    And orders were accepted again within 30 minutes
    And at most the last 10 minutes of acknowledged orders are lost
    And the drill has held its objectives
