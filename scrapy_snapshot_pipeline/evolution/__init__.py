"""How a history goes on when its item class changes.  Pure."""
