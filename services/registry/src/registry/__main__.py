from service_kit.cli import main

from registry.app import SERVICE

main(SERVICE)
