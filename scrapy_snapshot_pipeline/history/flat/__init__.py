"""Results as flat rows: their columns, and how pandas takes them."""
