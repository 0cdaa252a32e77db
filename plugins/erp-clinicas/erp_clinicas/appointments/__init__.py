"""The front desk (agenda): where care is given, and by whom."""
