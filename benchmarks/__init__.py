"""The benchmarks of gzmtp: ``python -m benchmarks`` measures, ``report`` and ``readme`` write what was measured.

Four more programs stand on the same parts, each with a docstring of its own: ``benchmarks.experiment``
(variants of the settings against one another), ``benchmarks.scale`` (how costs grow) and
``benchmarks.topologies`` (brokers, proxies, crowds, shared cores) and ``benchmarks.programs`` (programs
from PyPI, unmodified). A fifth, ``benchmarks.wire``, measures framing and parsing alone, in its own process.

How the parts meet, outermost first:

    cli          arguments, and nothing else
    runner       the plan: rounds x cells x entrants, resumed from the results file, with the time left on screen
    measure      one run: tells the two sides what to do, and turns their answers into a record
    pairs        the processes in which the two sides live
    channel      the control line between the runner and a side
    peer, sides  the other end of that line: ``python -m benchmarks.peer`` and what a side does on command
    contenders   one file each, all with the face that ``contenders.face`` describes
    results      the raw data file, and its tail
    journal      that tail, and the raw data file of the other two: a line a run, safe from a kill
    study        their command lines, as far as they are the same
    progress     what is on screen meanwhile
    summary, figures, overall, goals      what the raw data say: ratios, means, goals
    report, first_page, readme, markdown, charts     the same in tables; they measure nothing

Both sides of every run are processes of their own, so that neither this program's imports nor its
progress bar share an interpreter with what is measured.
"""
