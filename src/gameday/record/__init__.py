"""The record of a drill on disk: append and read, nothing else. Its layout is DESIGN §4's."""
