"""Constructs that other teams can reuse; the stacks only wire them together."""
