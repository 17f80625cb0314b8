"""The only files with SQL on the store's tables: one repository per concept."""
