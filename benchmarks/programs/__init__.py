"""Unmodified programs from PyPI on zmq.green and on gzmtp: ``python -m benchmarks.programs``.

    command     arguments, and nothing else
    running     the plan and its execution: rounds x measures x entrants, resumed from the file
    report      raw data as Markdown
    zerorpc_service, zerorpc_caller    a zerorpc service and its client, as its documentation has them

Both entrants run the same files: `zmq.green` by ``python -m gevent.monkey``, so on pyzmq, `gzmtp` by
``python -m gzmtp.monkey``.
"""
