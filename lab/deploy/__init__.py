"""From a contract's source or artifact to the contract on a chain, and what is known of it before any run."""
