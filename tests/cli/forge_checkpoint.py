"""forge_checkpoint.py FROM TO CODE: a checkpoint of which CODE changed the note `n` or what its run says it is, `r`."""
import json
import struct
import sys

with open(sys.argv[1], "rb") as file:
    data = file.read()
(size,) = struct.unpack("<Q", data[:8])
header = json.loads(data[8 : 8 + size])
texts = header["__metadata__"]
n, r = json.loads(texts["backprop.note"]), json.loads(texts["backprop.run"])
exec(sys.argv[3])
texts["backprop.note"], texts["backprop.run"] = json.dumps(n), json.dumps(r)
text = json.dumps(header, separators=(",", ":"), sort_keys=True).encode()
text += b" " * (-len(text) % 8)
with open(sys.argv[2], "wb") as file:
    file.write(struct.pack("<Q", len(text)) + text + data[8 + size :])
