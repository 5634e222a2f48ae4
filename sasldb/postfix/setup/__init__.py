"""From a Postfix as its distribution ships it to one whose users log in: what is to be changed, planned before anything is touched."""
