"""One module for each stack; a stack has one region."""
