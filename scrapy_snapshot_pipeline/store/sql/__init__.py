"""SQL texts, and the rows that travel with them."""
