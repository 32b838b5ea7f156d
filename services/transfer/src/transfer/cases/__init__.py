"""The case of a transfer: opened by the receiving school, decided over three steps, carried out by the registry."""
