"""The nouns on the arrows between stages: column types, canonical tables, and what one stage hands to another."""
