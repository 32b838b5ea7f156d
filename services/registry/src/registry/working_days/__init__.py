"""The statutory calendar (法定工作日历): a year's holidays, published by the province; last days follow them (24.6.4)."""
