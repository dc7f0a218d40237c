"""The law of history: what observations change (slowly changing dimension, type 2).  Pure."""
