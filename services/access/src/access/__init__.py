"""Access: accounts and roles, sessions, registrar appointments, the audit log, export approvals."""
