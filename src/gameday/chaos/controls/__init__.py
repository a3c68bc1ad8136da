"""Controls for Chaos Toolkit experiments: ``gameday.chaos.controls.drill``."""
