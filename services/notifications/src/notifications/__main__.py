from service_kit.cli import main

from notifications.app import SERVICE

main(SERVICE)
