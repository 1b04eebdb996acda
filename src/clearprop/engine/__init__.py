"""The same mathematics, compiled: training and prediction as native code made for the processor at hand."""
