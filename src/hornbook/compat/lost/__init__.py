"""What other libraries computed and no longer have: dialects/libraries.py says where it is used."""
