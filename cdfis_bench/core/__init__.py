"""Types, protocols, random streams and checks that every other room stands on."""
