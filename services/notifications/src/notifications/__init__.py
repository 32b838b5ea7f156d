"""What waits for whom, who is told what, and by which way it reaches them."""
