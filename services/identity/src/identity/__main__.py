from service_kit.cli import main

from identity.app import SERVICE

main(SERVICE)
