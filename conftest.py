"""Fixtures for all packages: real PostgreSQL and NATS (see `xueji_local.testing`), and how Hypothesis draws."""

from hypothesis import settings

pytest_plugins = ["xueji_local.testing"]

# A gate says whether a change is right: it draws the same for the same test. `make explore` draws what nobody has tried yet.
settings.register_profile("gate", derandomize=True)
settings.register_profile("explore", print_blob=True)
settings.load_profile("gate")
