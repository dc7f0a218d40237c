"""Brings histories of older releases into normal form: rows of equal content that touch are joined.

`join` decides, `rows` reads and writes, `normalizer` walks through a table, `catalogue` knows which
tables are in normal form already, and `sample` looks for pairs at the start of a crawl.
"""
