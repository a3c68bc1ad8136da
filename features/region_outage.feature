Feature: A whole region is lost
  Our customers place orders around the clock. When the primary region disappears, the other one
  must take over without a person, soon enough, and with little enough lost.

  The minutes below are minutes of the real deployment; in the lab they shrink with its timers.

  @lab @quick
  Scenario: The primary region is cut off while orders are placed
    Given orders are placed and read without errors
    When the primary region is cut off
    Then the health check reports it within 2 minutes
    And an alarm is raised within 5 minutes
    And the failover starts by itself within 5 minutes
    And the service's name leads to the other region within 5 minutes
    And orders are accepted in the other region within 30 minutes
    When the region comes back
    Then no client has gone back to it 1 minute later
    And orders were accepted again within 30 minutes
    And at most the last 10 minutes of acknowledged orders are lost
    And the drill has held its objectives
