"""`make chaos`: a campaign under fire. What dies is real, and the simulator's ledger is the only witness of who was messaged.

    python -m tests.chaos --profile A --seed 1 --recipients 20000 --kills 20 --broker redis

`plan` says what will happen, `stage` holds the processes, `trouble` hurts them, `verdict` judges, `run` puts it together.
The host that is hurt is `settings`, `celery_app` and `site`; `backstage` is somebody at its shell.
"""
