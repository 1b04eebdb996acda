"""``python -m clearprop``"""

from clearprop.cli import main

if __name__ == "__main__":
    main()
