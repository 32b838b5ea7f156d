"""Work queues (待办): what an account has to do now, over all services; reminders and escalation (催办、督办)."""
