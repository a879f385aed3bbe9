"""What a load is: profile files, shapes of arrivals, criteria."""
