"""The load: Locust's users, the open-model prober, and the read-back. It writes the record and never judges."""
