"""A plugin that imports, and is no codec."""

NOT_A_CODEC = {"dumps": "no", "loads": "neither"}
