"""Results on paper: documents, and the printers that write them in each format."""
