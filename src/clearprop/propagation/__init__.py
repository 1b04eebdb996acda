"""The lecture in code: forward, backward, update, and the cycle they make."""
