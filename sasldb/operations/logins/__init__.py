"""What a login leads to: the record that it is looked up in, whether the password is right, and what a server says to it."""
