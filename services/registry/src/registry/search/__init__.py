"""Finding pupils: by name, former name, pinyin, initials, number, within what an account may see (clauses 3.1, 15.4)."""
