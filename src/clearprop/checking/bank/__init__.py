"""The known mistakes, one file for each part of the cycle; importing them enters them into the bank."""

from clearprop.checking import mistake
from clearprop.checking.bank import errors, forward, gradients, hidden_signals, output_signals, slopes, updates
from clearprop.derivation.lines import Stage

PARTS = forward, errors, output_signals, slopes, gradients, hidden_signals, updates

BANK = dict(sorted(mistake.BANK.items(), key=lambda item: list(Stage).index(item[1].stage)))
"""All known mistakes by name, in the order of the cycle."""
