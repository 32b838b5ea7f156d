"""A program of its own: Chromium as Qt WebEngine, out of a wheel, spoken to over its own debugging protocol.

One line on stdin opens a page with a profile that no other page shares and that is gone with it; the end of stdin ends
the program. Where it listens and how it draws stands in the environment (`e2e_browser`).
"""

from __future__ import annotations

import sys
from typing import Any

from PySide6.QtCore import QSize, QSocketNotifier, QUrl
from PySide6.QtWebEngineCore import QWebEnginePage, QWebEngineProfile
from PySide6.QtWebEngineWidgets import QWebEngineView
from PySide6.QtWidgets import QApplication

VIEWS: set[QWebEngineView] = set()


class Page(QWebEnginePage):
    """Whatever it opens is a page like itself, in the same profile: a new tab."""

    def createWindow(self, _kind: Any) -> QWebEnginePage:
        return open_page(self.profile())


def open_page(profile: QWebEngineProfile) -> QWebEnginePage:
    view = QWebEngineView()
    page = Page(profile, view)
    view.setPage(page)
    view.resize(QSize(1280, 900))
    VIEWS.add(view)

    def close() -> None:
        VIEWS.discard(view)
        view.close()
        view.deleteLater()

    page.windowCloseRequested.connect(close)
    view.show()
    return page


def main() -> None:
    app = QApplication(sys.argv)
    profiles: list[QWebEngineProfile] = []  # they must outlive their pages

    def asked() -> None:
        if not sys.stdin.readline():
            app.quit()
            return
        profiles.append(QWebEngineProfile())
        open_page(profiles[-1]).load(QUrl("about:blank"))

    notifier = QSocketNotifier(sys.stdin.fileno(), QSocketNotifier.Type.Read)
    notifier.activated.connect(asked)
    first = QWebEngineProfile()  # the debugging server begins with the first page
    open_page(first).load(QUrl("about:blank"))
    print("ready", flush=True)
    app.exec()
    for view in list(VIEWS):
        view.close()


if __name__ == "__main__":
    main()
