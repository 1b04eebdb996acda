"""The scripts that someone would write for other libraries, in place of one command."""
