"""Read, write and manage sasldb2, the user database of Cyrus SASL."""
