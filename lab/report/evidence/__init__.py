"""What is on record: runs, measurements, histories and what people signed or attested, read once and never trusted."""
