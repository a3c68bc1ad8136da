Feature: The primary database dies
  The region lives, and its tasks answer: with errors. Nobody's health check sees a lost database, so the alarm on
  errors calls us, and we decide to fail over. What the replica had not received yet is lost, and must be little.

  The minutes below are minutes of the real deployment; in the lab they shrink with its timers.

  @lab @quick
  Scenario: The primary database dies while orders are placed
    Given orders are placed and read without errors
    When the primary database dies
    Then an alarm is raised within 5 minutes
    When the on-call engineer starts the failover
    Then the service's name leads to the other region within 10 minutes
    And orders are accepted in the other region within 30 minutes
    When the database comes back
    Then no client has gone back to it 1 minute later
    And orders were accepted again within 30 minutes
    And at most the last 10 minutes of acknowledged orders are lost
    And the drill has held its objectives
