from kit_sandbox import kit_nats, kit_postgres, sandbox  # noqa: F401 - fixtures
