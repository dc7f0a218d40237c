"""Tables, views and the statements that create them."""
