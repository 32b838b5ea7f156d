"""The law as code: clauses, the mark that binds them to rules, findings, parameters, calendars.

Pure: data files of this package are read once, nothing else is touched; only `index`, a build tool, reads
the sources of the project.
"""
