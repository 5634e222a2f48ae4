"""The desired state of a database: read from a file or a directory, compared with what is there, and brought about."""
