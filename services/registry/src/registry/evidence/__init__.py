"""Evidence (证明材料): uploaded once, looked at for viruses, attached to one thing, filed in students' records."""
