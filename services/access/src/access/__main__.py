from service_kit.cli import main

from access.accounts.operating import ACTS
from access.app import SERVICE

main(SERVICE, *ACTS)
