"""Readers of data from elsewhere: each leaves DuckDB tables ``raw_<table>`` in the form of the contract."""
