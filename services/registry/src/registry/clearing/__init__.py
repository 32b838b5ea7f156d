"""Clearing (查重、更正、注销): duplicates, corrections of key fields, cancellations, protections (18, 20.1, 22, 39, 40).

`record`: the records all of it is about. `filing`: what their cases have in common. `duplicates`, `correcting`,
`cancelling`: one sub-package each, with the usual modules. Locks: cases by id, then duplicate pairs, then students by id.
"""
