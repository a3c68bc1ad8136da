"""``python -m gameday``: the command line."""

from gameday.cli import main

if __name__ == "__main__":
    main()
