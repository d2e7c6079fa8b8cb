"""Runs a JavaScript program in QuickJS."""

import sys

import quickjs

context = quickjs.Context()
context.add_callable("show", print)
# Numbers would arrive as floats of Python.
context.eval("const console = { log: (value) => show(String(value)) };")
context.eval(open(sys.argv[1]).read())
