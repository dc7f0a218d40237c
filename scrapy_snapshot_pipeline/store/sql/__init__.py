"""SQL texts and the rows that they carry."""
