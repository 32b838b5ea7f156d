"""A child that answers /health/ready on CHILD_PORT and ends on SIGTERM.

`dies`: ends at once. `slow`: answers after 15 seconds. `stubborn`: does not end on SIGTERM.
"""

import http.server
import json
import os
import signal
import sys
import time

if "dies" in sys.argv:
    print("the wheel has come off")
    sys.exit(7)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *args: object) -> None:
        pass


def end(number: int, frame: object) -> None:
    print(json.dumps({"time": "2026-09-01 08:00:00,000", "level": "INFO", "message": "bye"}), flush=True)
    os._exit(0)


signal.signal(signal.SIGTERM, signal.SIG_IGN if "stubborn" in sys.argv else end)
if "slow" in sys.argv:
    time.sleep(15)
print(json.dumps({"time": "2026-09-01 08:00:00,000", "level": "INFO", "message": "child is up", "rows": 3}), flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["CHILD_PORT"])), Handler).serve_forever()
