"""What a model is told of all subtools together, before it calls one."""

INSTRUCTIONS = (
    "Customer.io: people, events, devices, segments, campaigns and messages of one workspace. "
    "Every result is an object with `ok` and `summary`. Where `ok` is false, do what "
    "`error.next_step` says; if `error.took_effect` is unknown, make the call in `error.look` "
    "before anything else, and never send again by yourself. A call that waits for a person's "
    "approval has not run."
)
