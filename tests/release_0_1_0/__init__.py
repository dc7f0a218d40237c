"""Databases that release 0.1.0 wrote, with the answers that its commands gave.

`sqlite.sql` and `postgresql.sql` are the two databases after the same crawls of `shop`: a first
one, the same again, one with changes, one that was killed, and one by another spider that did not
see everything.  Then half of the dead letters of an outage between the first two were replayed; the
other half is `letters.jl`.  `*.answers.json` has what each question was answered with `--json`, by
its name in `questions`.
"""
