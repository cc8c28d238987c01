"""How Warren is put on machines: containers, and a stack of plain processes on one machine."""
