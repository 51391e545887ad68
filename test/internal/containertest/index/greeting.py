TEXT = "hello from a package"
