"""The report of a run: the same facts as a page to read (Markdown, HTML with pictures) and as data."""
