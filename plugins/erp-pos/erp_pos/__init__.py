"""The corner shop, with or without internet, as a package of the ERP."""
