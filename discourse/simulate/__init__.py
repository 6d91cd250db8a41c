"""The `simulate` room; its public names are in the face, `discourse`."""
