"""The shop, the devices that sell in it, and who takes goods on store credit."""
