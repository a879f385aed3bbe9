"""`lab safe`: names and options in `cli`, what the commands do in the modules beside it."""
