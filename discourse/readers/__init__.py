"""From the bytes of an export to rows of the posts table, each one accounted for."""
