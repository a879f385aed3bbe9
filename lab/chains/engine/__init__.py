"""The Docker engine: where it is, how it is spoken to, and Testcontainers kept from its own settings."""
