"""Tables of data: rows from files, arrays and data frames, and what was fitted on them."""
