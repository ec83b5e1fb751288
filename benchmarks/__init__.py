"""The benchmark of gzmtp: ``python -m benchmarks`` measures, ``report`` and ``readme`` write what was measured.

How the parts meet, outermost first:

    cli          arguments, and nothing else
    runner       the plan: rounds x cells x entrants, resumed from the results file, with the time left on screen
    measure      one run: tells the two sides what to do, and turns their answers into a record
    pairs        the processes in which the two sides live
    channel      the control line between the runner and a side
    peer, sides  the other end of that line: ``python -m benchmarks.peer`` and what a side does on command
    contenders   one file each, all with the face that ``contenders.face`` describes
    results      the raw data file
    figures, goals, report, readme, charts     raw data in, tables out; they measure nothing

Both sides of every run are processes of their own, so that neither this program's imports nor its
progress bar share an interpreter with what is measured.
"""
