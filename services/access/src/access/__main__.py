from service_kit.cli import main

from access.accounts.operating import ACTS
from access.app import SERVICE
from access.audit import cli as audit

main(SERVICE, *ACTS, *audit.ACTS)
