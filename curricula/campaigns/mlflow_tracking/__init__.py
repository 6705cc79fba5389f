"""A campaign in MLflow: its runs, and what is logged to them."""
