"""What must happen did, in time: checks L1 to L7."""
