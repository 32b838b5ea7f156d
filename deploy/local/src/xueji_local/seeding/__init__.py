"""A synthetic province of any size, loaded straight into the services' databases: for benchmarks and demonstrations.

`plan` says which schools there are and how many pupils each grade of them has; `rows` makes the rows of one grade of the
whole province, as the services would have left them; `loading` copies them, several processes at once; `checking` proves
afterwards that all of it is consistent.
"""
