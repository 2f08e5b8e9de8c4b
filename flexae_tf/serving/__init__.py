"""A trained model for others: named signatures, and SavedModels that hold them."""
