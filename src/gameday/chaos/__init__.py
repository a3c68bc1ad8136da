"""The Chaos Toolkit door: a control that runs a drill around an experiment, its actions, probes and tolerances."""
