"""Model files: what a training saves, and reads to resume."""
