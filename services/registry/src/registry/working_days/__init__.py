"""The statutory calendar (法定工作日历): a year's holidays as the province publishes them, and last days that follow (24.6.4)."""
