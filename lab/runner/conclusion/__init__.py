"""The end of a run: settled, read, judged, and its manifest written."""
