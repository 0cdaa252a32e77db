"""Where things are: locations, movements between them, and what each holds."""
