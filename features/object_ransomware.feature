Feature: Documents are ransomed
  Somebody deletes our customers' documents, and overwrites others with bytes that nobody can read. The bucket keeps
  versions, so all of it can be undone; somebody must notice, and know how.

  The minutes below are minutes of the real deployment; in the lab they shrink with its timers.

  @lab @quick @alone
  Scenario: Half of the documents are deleted or overwritten while orders are placed
    Given orders are placed and read without errors
    When 50 % of the primary region's documents are deleted or overwritten
    Then it is noticed that documents are gone within 5 minutes
    When the on-call engineer walks the runbook "object-recovery"
    And the documents have been read back
    Then every document was there again within 10 minutes
    And no order was refused or failed
    And no acknowledged order is lost
    And the drill has held its objectives
