"""What is to be changed: operators, the stop, settings, hand-overs, maintenance; each as a function of the state."""
