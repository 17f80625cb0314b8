"""The console: the loop as the bank's people see it. Pages on the server, one URL each; no state in the process."""
