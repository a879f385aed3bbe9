"""State of a contract saved, restored on another, and moved to a new one."""
