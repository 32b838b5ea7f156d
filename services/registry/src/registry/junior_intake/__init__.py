"""Primary graduates go on to junior schools by the county's approved list (小升初, clause 16)."""
