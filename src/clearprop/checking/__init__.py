"""Check numbers that someone else made: the lines of a cycle, known mistakes as rewrites of them, marks."""
