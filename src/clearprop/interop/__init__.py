"""Models of other frameworks: read from their files and live objects, written, and compared."""
