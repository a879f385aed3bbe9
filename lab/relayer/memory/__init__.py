"""What the relayer knows: its nouns, its intents, the ledger in memory and the store on disk."""
