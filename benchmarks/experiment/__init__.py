"""The published tuning experiment, repeated: ``python -m benchmarks.experiment``.

    command        arguments, and nothing else
    variants       the table: what each variant sets, and what it stands for
    running        the plan and its execution: rounds x cells x (variants and contenders), resumed
    comparison     figures of variants against one another, with the spread from round to round
    explanation    what the engines counted, as figures a message
    report         Markdown of a raw data file; its last part is conclusions
    conclusions    what the figures support, in sentences
    pictures       PNG of the same figures

All variants are measured in the same two processes (one for inproc), which are started afresh each
round: what is set is said with each run, so that nothing else differs between two variants. No
code is edited: a variant is a row of ``gzmtp.tuning.Tuning``'s fields.
"""
