"""An ERP core whose verticals are installable packages."""
