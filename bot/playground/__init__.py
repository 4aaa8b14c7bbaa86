"""The whole bot in a browser page: a stand-in for Discord, demo tracks and the page itself."""
