"""Tables and views: what they are, and how they are created."""
