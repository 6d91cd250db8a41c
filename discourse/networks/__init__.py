"""Who answers whom: measures of a graph whose sides are known from elsewhere."""
