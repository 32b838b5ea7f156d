"""Student records (学籍): classes, who belongs to them, students as they stand, their journal for ever."""
