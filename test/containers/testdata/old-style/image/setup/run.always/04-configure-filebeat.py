#!/usr/bin/python3
# In the place of the built-in step.
print("logs stay where they are;")
