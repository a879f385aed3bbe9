"""Unit tests of the monitoring."""
