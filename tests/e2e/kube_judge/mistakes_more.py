def wrong_more():
    return iter(())
