"""`python -S THIS_FOLDER SETUP` starts the driver in an interpreter without site-packages."""

from inside import driver

if __name__ == "__main__":
    driver.main()
