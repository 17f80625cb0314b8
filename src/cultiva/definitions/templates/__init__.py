"""What may a template say? Liquid with its own few tags and filters, within limits, told before it is sent."""
