"""Outputs for new rows, and the metrics of outputs."""
