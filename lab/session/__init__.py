"""The composition root: networks, contract and relayer of a run, put together and taken down."""
