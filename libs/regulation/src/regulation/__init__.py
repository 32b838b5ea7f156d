"""The law as code: clauses, citations, decisions, parameters, calendar."""
