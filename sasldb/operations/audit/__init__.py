"""What is wrong or weak in a database: names, stored secrets, and the rules that judge them."""
