"""Registration (建籍): from a checked form through the steps of clause 15.1 to a student record."""
