"""`python -m bookmakers.site`: look at the bookmakers' pages in a browser."""

from __future__ import annotations

from bookmakers.site.offers import read_fixtures
from bookmakers.site.routes import Site
from bookmakers.site.server import SiteServer


def main() -> None:
    """Serve until Enter is pressed."""
    server = SiteServer(Site(read_fixtures()).page)
    input(f"The bookmakers are at {server.url}/ - press Enter to stop.\n")
    server.close()


if __name__ == "__main__":
    main()
