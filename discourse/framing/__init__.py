"""The `framing` room; its public names are in the face, `discourse`."""
