"""What can be wrong between Postfix, libsasl and a sasldb: one small check each, in the table of `checks.table`."""
