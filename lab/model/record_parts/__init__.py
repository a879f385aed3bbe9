"""The parts of records of a history that have fields of their own."""
