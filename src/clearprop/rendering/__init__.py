"""Derivations on paper: documents, and what prints them."""
