"""What the pipeline asks of Scrapy and of the process it runs in."""
