Feature: All tasks of the primary region are lost
  The region and its database live, and nobody is left to answer. ECS starts other tasks by itself; until they serve,
  our customers must not wait for long, and nothing they were promised may be gone.

  The minutes below are minutes of the real deployment; in the lab they shrink with its timers.

  @lab @quick
  Scenario: Every task is stopped while orders are placed
    Given orders are placed and read without errors
    When all tasks of the primary region are stopped
    Then orders are accepted again within 30 minutes
    When the tasks have been replaced
    Then orders were accepted again within 30 minutes
    And no acknowledged order is lost
    And the drill has held its objectives
