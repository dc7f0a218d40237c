"""Small sites of the six bookmakers: the real odds of a season as HTML pages on loopback.

Only here so that the example needs no network; a project of your own has no such package.
"""
