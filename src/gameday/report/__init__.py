"""The report: one page that prints what was measured, and computes nothing."""
