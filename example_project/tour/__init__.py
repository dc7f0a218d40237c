"""The main job of the example: crawl after crawl, with what the database says about each."""
