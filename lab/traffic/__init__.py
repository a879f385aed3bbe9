"""What a load sends: signed ahead, due on schedule, accounted for afterwards."""
