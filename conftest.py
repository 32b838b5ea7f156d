"""Fixtures for all packages: real PostgreSQL and NATS (see `xueji_local.testing`)."""

pytest_plugins = ["xueji_local.testing"]
