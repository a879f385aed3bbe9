"""One run for people: its time line as text, picture and trace, its page, and the index over a session."""
