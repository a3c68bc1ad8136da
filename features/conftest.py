"""The one line that another project needs too."""

pytest_plugins = ["gameday.bdd"]
