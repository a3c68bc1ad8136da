"""The Gherkin door: fixtures and steps for pytest-bdd. Another project needs one line in its conftest:

pytest_plugins = ["gameday.bdd"]
"""

pytest_plugins = ["gameday.bdd.fixtures", "gameday.bdd.steps", "gameday.bdd.reporting"]
