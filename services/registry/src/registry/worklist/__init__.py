"""Where the registry's work stands, told to the work queues (待办): cases of every kind, and what waits besides."""
