"""What the cities report to the province of each term, and the table of overdue steps."""
