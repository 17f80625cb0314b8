"""What a workspace says: typed definitions of tags, groups, value, stages, offers, strategies and policy."""
