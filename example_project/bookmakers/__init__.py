"""A Scrapy project that visits bookmakers again and again and keeps the history of their odds."""
