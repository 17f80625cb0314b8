"""Tasks that end without anybody having done them, because what they were for is gone."""
