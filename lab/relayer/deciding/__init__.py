"""From what is known of all chains to the calls that are wanted now; pure."""
