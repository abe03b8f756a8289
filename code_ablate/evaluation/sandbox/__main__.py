"""`python -S THIS_FOLDER SETUP` starts the driver in an interpreter without site-packages."""

from inside import driver

driver.main()
