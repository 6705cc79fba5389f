"""The rooms of the command `taskgen`: campaigns, tasks, catalogue, server.

Each module has `register(app)`, which adds its commands.
"""
