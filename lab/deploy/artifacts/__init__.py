"""Contracts that other tools compiled."""
