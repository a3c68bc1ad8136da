Feature: Both databases are lost
  The primary database and its replica are gone, so there is nothing to promote. We restore the newest snapshot into a
  new database and lead the service to it. What was placed after the snapshot is lost; what it held must all be there.

  The minutes below are minutes of the real deployment; in the lab they shrink with its timers.

  @lab @quick
  Scenario: A database is restored from the newest snapshot
    Given orders are placed and read without errors
    And a snapshot of the primary database is taken
    When the primary database dies
    And its replica dies
    Then an alarm is raised within 5 minutes
    When the on-call engineer walks the runbook "database-restore"
    Then orders are accepted again within 45 minutes
    When the database comes back
    Then orders were accepted again within 45 minutes
    And every order acknowledged before the snapshot is there
    And the database was restored within 45 minutes
    And at most the last 10 minutes of acknowledged orders are lost
    And the drill has held its objectives
