"""How jobs of AWS Backup end, as events to watch (DATA-8). A restore has a `status`, the others a `state`."""

from pulumi import Input

from components.event_watch import Event

# Not a failure: its absence is.
DONE = "backup-done"


def events(vault_arn: Input[str]) -> list[Event]:
    """Of jobs that fill this vault, and of every restore."""
    said = {"source": ["aws.backup"]}
    lost = "A backup was not taken: after a disaster the data of that day is gone."
    return [
        Event(
            id="backup-failed",
            pattern={
                **said,
                "detail-type": ["Backup Job State Change"],
                "detail": {"state": ["ABORTED", "EXPIRED", "FAILED"], "backupVaultArn": [vault_arn]},
            },
            severity="ticket",
            impact=lost,
            runbook="restore-drill",
        ),
        Event(
            id="backup-copy-failed",
            pattern={
                **said,
                "detail-type": ["Copy Job State Change"],
                "detail": {"state": ["FAILED"], "sourceBackupVaultArn": [vault_arn]},
            },
            severity="ticket",
            impact="A backup is in one region only: losing that region would take it along.",
            runbook="restore-drill",
        ),
        Event(
            id="restore-failed",
            pattern={
                **said,
                "detail-type": ["Restore Job State Change"],
                "detail": {"status": ["ABORTED", "FAILED"]},
            },
            severity="page",
            impact="A backup could not be restored: what is in the vault may be no help.",
            runbook="restore-drill",
        ),
        Event(
            id=DONE,
            pattern={
                **said,
                "detail-type": ["Backup Job State Change"],
                "detail": {"state": ["COMPLETED"], "backupVaultArn": [vault_arn]},
            },
            severity="ticket",
            impact="A backup was taken; this is as it should be.",
            runbook="restore-drill",
        ),
    ]
