# Reads the configuration file that is named, as supervisord does, and says in one line what is
# wrong with it. It starts nothing, and opens no log and no socket.
import sys

from supervisor import datatypes, options

# Directories of the storage volume are there only after a start. The container manager
# looks for them itself.
for module in datatypes, options:
    module.existing_dirpath = module.existing_directory = str

server = options.ServerOptions()


def refuse(message):
    sys.exit(" ".join(message.split()))


server.usage = refuse
server.realize(["-n", "-c", sys.argv[1]])
