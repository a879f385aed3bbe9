"""Tesseract Lab: does a cross-rollup coordinator, with its relayer, stay correct when chains, nodes and fees misbehave?"""

__version__ = "0.1.0"
