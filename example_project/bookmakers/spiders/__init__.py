"""The spiders: `odds` for our own bookmaker, `competitor_odds` for the others."""
