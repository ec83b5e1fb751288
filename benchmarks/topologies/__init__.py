"""What systems are made of: ``python -m benchmarks.topologies``.

Brokers, proxies, caches, pipelines and crowds of peers, each with all its processes: undisturbed, pinned
to one core, and beside busy processes.

    command     arguments, and nothing else
    layouts     what is measured, as data: which processes there are, and what each of them does
    running     the plan and its execution: rounds x scenes x contenders, resumed from the file
    staging     how one scene is measured: its processes, what they are told, their CPU time from outside
    party       one of these processes: ``python -m benchmarks.topologies.party``
    stage       how a process opens its sockets: transport, mechanism, endpoints
    requests, flows, brokers    what a process does, for every contender with pyzmq's interface
    bare        the same by plain green sockets, where that makes sense
    standing    raw data in, ratios and goals out
    report, pictures    Markdown and PNG of them

All processes of a scene are the same contender's. A client is in lockstep, or has a number of requests
on their way; what flows one way is counted by who receives it. CPU time is that of all processes
together, read from their clocks before and after, so that neither imports nor connecting count.
"""
