"""The pytest plugin: collects scenario files, runs them, and reports."""
