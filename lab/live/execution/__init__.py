"""The steps carried through: transactions signed, sent, replaced, final; and the smoke run."""
