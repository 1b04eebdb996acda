"""Comparing: processes that take turns, what they measured, and the tables and the plot made of that."""
