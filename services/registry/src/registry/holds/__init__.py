"""What the registry gives change cases of other services: the hold on a student, the seat, and at the end the move."""
