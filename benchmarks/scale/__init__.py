"""What it costs when there are many, or when they are large: ``python -m benchmarks.scale``.

    command     arguments, and nothing else
    questions   what is asked: the points of each question, the measures, and who can answer
    running     the plan and its execution: rounds x points x contenders, resumed from the file
    procedures  how one point is measured: what the server and the crowd are told
    server      the process that is measured: one socket of a contender
    crowd       its peers: thousands of bare connections, the same for every contender
    growth      raw data in, costs an item and how they grow out
    report, pictures    Markdown and PNG of them

The peers are no sockets of any library, but ZMTP's bytes over an epoll loop, so that one contender's
receiving side does not blur the measurement of its sending side, and all face the same crowd.
"""
