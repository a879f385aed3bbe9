"""Safes (multi-signature accounts): transactions, signatures, proposals as files, and what a chain says of them."""
