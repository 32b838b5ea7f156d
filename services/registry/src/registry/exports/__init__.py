"""Files of approved exports (clause 45.2): made in the background, marked visibly and invisibly, read back when leaked.

Asking and approving are the access service's; full numbers come from identity. Here the rows are gathered and written.
"""
