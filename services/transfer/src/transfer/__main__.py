from service_kit.cli import main

from transfer.app import SERVICE

main(SERVICE)
