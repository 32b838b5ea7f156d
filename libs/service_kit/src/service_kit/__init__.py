"""Plumbing: settings, database, outbox, inbox, commands, encryption, telemetry, health."""
