import sys

from service_kit.cli import main

from registry.app import SERVICE
from registry.archive import key
from registry.exports import leak

if sys.argv[1:2] == [leak.WORD]:
    leak.main(sys.argv[2:])
elif sys.argv[1:2] == [key.WORD]:
    key.main()
else:
    main(SERVICE)
