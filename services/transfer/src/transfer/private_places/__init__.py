"""A private school's places for transfers: the ratio of the year, rounds of applications, the lottery (24.5.3, 24.5.4)."""
