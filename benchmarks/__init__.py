"""The project's figures, measured: ``make bench`` prints them as one table. None of them is a test."""
