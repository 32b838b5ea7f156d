"""Admission schemes of private schools (民办学校招生方案), approved before they are carried out (clause 8)."""
