Feature: Replication falls behind
  Both regions live, and nobody notices anything. But the replica gets older and older, and should the region be lost now,
  everything that it has not received is lost with it. We must be called before that is more than we may lose.

  The minutes below are minutes of the real deployment; in the lab they shrink with its timers.

  @lab @quick
  Scenario: Replication slows down while orders are placed
    Given orders are placed and read without errors
    When replication between the regions slows down
    Then an alarm is raised within 15 minutes
    When replication is as quick as before
    Then the replica has caught up within 15 minutes
    And no order was refused or failed
    And no acknowledged order is lost
    And what a loss of the region would cost has grown with the lag
    And the drill has held its objectives

  @lab
  Scenario: The region is lost while its replica is behind
    Given orders are placed and read without errors
    When replication between the regions slows down
    Then an alarm is raised within 15 minutes
    When the primary region is cut off
    Then orders are accepted in the other region within 30 minutes
    When the region comes back
    Then the loss is as large as the replica was behind
    And at most the last 10 minutes of acknowledged orders are lost
    And the drill has held its objectives
