"""The one expression language: parse, type, compile to a set, compile to one customer, explain."""
