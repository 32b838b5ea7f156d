from service_kit.cli import main

from access.app import SERVICE

main(SERVICE)
