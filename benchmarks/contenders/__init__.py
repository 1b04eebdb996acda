"""The compiled engine and what a user would pick instead: one file for each, all with the same four methods."""
