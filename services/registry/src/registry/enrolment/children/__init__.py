"""Children of age (适龄儿童): whom a county has to see into school."""
