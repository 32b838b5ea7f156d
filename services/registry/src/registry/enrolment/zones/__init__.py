"""Attendance zones (服务范围): which addresses belong to which public school, dated."""
