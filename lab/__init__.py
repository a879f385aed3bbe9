"""Tesseract Lab: is a cross-rollup coordinator, with its relayer, correct when chains, nodes and fees misbehave?"""

__version__ = "0.1.0"
