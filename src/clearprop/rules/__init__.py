"""Tables of rules, each formula stated once."""
