"""What the lab starts is ended: reaper, groups of processes, Python children."""
