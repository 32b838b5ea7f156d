"""The archive of a student (学籍档案, clause 14): six sections, read as of a day, printed, and handed on as a package."""
