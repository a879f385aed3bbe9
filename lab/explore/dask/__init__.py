"""The work of many runs on a Dask cluster: what the client does, and what its workers do."""
