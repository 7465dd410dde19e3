"""The official Python SDK as a client of the emulator; started by `cargo xtask interop`."""

import client_side
import deviations
import mapping
import publisher
import tokens

if __name__ == "__main__":
    publisher.rows()
    mapping.rows()
    tokens.rows()
    client_side.rows()
    deviations.rows()
