Feature: The primary region's bucket is emptied
  Versions do not help against somebody who deletes them too. Deletions by version are not replicated, so the other
  region's bucket still has every document that was copied there.

  The minutes below are minutes of the real deployment; in the lab they shrink with its timers.

  @lab @quick @alone
  Scenario: The bucket is emptied, versions and all, while orders are placed
    Given orders are placed and read without errors
    When the primary region's bucket is emptied
    Then it is noticed that documents are gone within 5 minutes
    When the on-call engineer walks the runbook "object-recovery"
    And the documents have been read back
    Then every document was there again within 10 minutes
    And no order was refused or failed
    And no acknowledged order is lost
    And the drill has held its objectives
