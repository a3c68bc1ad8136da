Feature: The regions no longer reach each other
  Both regions live, only replication between them is severed. Nobody must fail over: a second primary would take
  orders that the first one knows nothing of. We are called because the replica falls behind, and once the regions are
  joined again it catches up by itself.

  The minutes below are minutes of the real deployment; in the lab they shrink with its timers.

  @lab @quick
  Scenario: Replication is severed while orders are placed
    Given orders are placed and read without errors
    When the regions no longer reach each other
    Then an alarm is raised within 15 minutes
    When the regions reach each other again
    Then the replica has caught up within 15 minutes
    And no order was refused or failed
    And no acknowledged order is lost
    And the drill has held its objectives
