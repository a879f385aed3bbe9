"""While it lasts: Locust, the relayer, outages, and those who watch."""
