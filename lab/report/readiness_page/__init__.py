"""The report for people and machines: page with charts, Markdown, JUnit, PDF."""
