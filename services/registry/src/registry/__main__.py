import sys

from service_kit.cli import main

from registry.app import SERVICE
from registry.exports import leak
from registry.search import rebuild

OTHERS = {leak.WORD: leak.main, rebuild.WORD: rebuild.main}

if (other := OTHERS.get("".join(sys.argv[1:2]))) is not None:
    other(sys.argv[2:])
else:
    main(SERVICE)
