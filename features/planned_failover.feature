Feature: A planned failover
  Nothing is broken: we move to the other region on purpose, before maintenance or to prove that we can. Our customers
  are refused for a while, and we want to know for how long; what they were promised may not be lost, not one order.

  The minutes below are minutes of the real deployment; in the lab they shrink with its timers.

  @lab @quick
  Scenario: We switch to the other region while orders are placed
    Given orders are placed and read without errors
    When the planned failover is started
    Then the service's name leads to the other region within 15 minutes
    And orders are accepted in the other region within 30 minutes
    When the old primary has been fenced
    Then orders were accepted again within 30 minutes
    And no acknowledged order is lost
    And the drill has held its objectives
