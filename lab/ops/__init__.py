"""Operating a deployment: each procedure is planned, simulated, journaled, sent, read again and recorded."""
