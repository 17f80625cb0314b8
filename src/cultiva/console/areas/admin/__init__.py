"""Admin: runs, data quality, definitions; users and keys; the audit log."""
