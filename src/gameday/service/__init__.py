"""The reference service: orders in PostgreSQL, documents in S3. It imports nothing else of gameday."""
